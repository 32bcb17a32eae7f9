-- As wrk.lua, but each connection waits for a millisecond after each answer: the number of connections sets the rate.
dofile((os.getenv("WRK_LUA")))

function delay()
  return 1
end
