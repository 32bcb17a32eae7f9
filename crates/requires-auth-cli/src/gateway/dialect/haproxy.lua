-- Asks requires-auth whether a request may pass, for HAProxy 2.6 and later:
--
--     http-request lua.requires_auth GATEWAY HEADERS
--     http-request deny deny_status 503 unless { var(txn.requires_auth) -m str allowed }
--
-- GATEWAY is `127.0.0.1:9180` or `unix@/run/requires-auth.sock`, HEADERS the names of the identity headers with commas between,
-- or `-`. A refusal goes to the client as the gateway has written it. Only an answer with 200 sets the variable, so the second
-- line is needed: HAProxy goes on with the next rule after a script that has failed.

-- What is for one connection alone, or tells of a body that the question has not. HAProxy writes names in lower case.
local NOT_PASSED_ON = {
    ["connection"] = true,
    ["content-length"] = true,
    ["expect"] = true,
    ["host"] = true,
    ["keep-alive"] = true,
    ["proxy-connection"] = true,
    ["te"] = true,
    ["trailer"] = true,
    ["transfer-encoding"] = true,
    ["upgrade"] = true,
}

-- HAProxy (seen: 2.6.12) crashes if its client is given more lines than `tune.http.maxhdr`, which is 101 by default.
local MOST_LINES = 90

-- What only this script says of a request, to the gateway alone.
local OWN = { "x-original-method", "x-original-uri", "x-original-host", "x-original-proto", "x-real-ip" }

-- The lines of a header, which HAProxy counts from 0.
local function lines_of(values)
    local lines, place = {}, 0
    while values and values[place] do
        lines[#lines + 1] = values[place]
        place = place + 1
    end
    return lines
end

-- Path and query as HAProxy passes them on. It has a URL where the client speaks HTTP/2, and passes on the path of it.
local function target(txn)
    if txn.f:req_ver() == "2.0" then
        return txn.f:pathq()
    end
    return txn.f:url()
end

-- The headers of the question: all lines of the client's, and what the request is; nil where these are too many lines.
local function question(txn)
    local of_client = txn.http:req_get_headers()
    local headers, count = {}, 0
    for name, values in pairs(of_client) do
        if not NOT_PASSED_ON[name] then
            headers[name] = lines_of(values)
            count = count + #headers[name]
        end
    end
    if count > MOST_LINES then
        return nil
    end
    headers["x-original-method"] = { txn.f:method() }
    headers["x-original-uri"] = { target(txn) }
    headers["x-original-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" }
    headers["x-real-ip"] = { txn.sf:src() }
    local hosts = lines_of(of_client["host"])
    if #hosts == 1 then
        headers["x-original-host"] = hosts
    end
    return headers
end

-- Sends a refusal to the client. It ends the script.
local function refuse(txn, answer)
    local reply = txn:reply()
    reply:set_status(answer.status, answer.reason)
    for name, values in pairs(answer.headers or {}) do
        if not NOT_PASSED_ON[name] then
            for _, value in ipairs(lines_of(values)) do
                reply:add_header(name, value)
            end
        end
    end
    if txn.f:method() ~= "HEAD" and answer.body then
        reply:set_body(answer.body)
    end
    txn:done(reply)
end

-- Puts an identity header of the gateway's into the request, or fails where there is no room for it.
local function tell(txn, name, values)
    local lines = lines_of(values)
    if #lines == 0 then
        return
    end
    txn.http:req_set_header(name, lines[1])
    local told = lines_of(txn.http:req_get_headers()[name])
    if #lines > 1 or #told ~= 1 or told[1] ~= lines[1] then
        error("no room for the identity headers: see tune.bufsize and tune.maxrewrite")
    end
end

local function requires_auth(txn, gateway, names)
    for _, name in ipairs(OWN) do
        txn.http:req_del_header(name)
    end
    local identity = {}
    for name in string.gmatch(string.lower(names), "[^,]+") do
        if name ~= "-" then
            identity[#identity + 1] = name
            txn.http:req_del_header(name)
        end
    end
    local headers = question(txn)
    if not headers then
        refuse(txn, { status = 431, reason = "Request Header Fields Too Large" })
        return
    end
    local answer = core.httpclient():get {
        url = "http://127.0.0.1/forward-auth/haproxy",
        dst = gateway,
        headers = headers,
        timeout = 10000,
    }
    if answer.status and answer.status >= 400 then
        refuse(txn, answer)
    elseif answer.status == 200 then
        for _, name in ipairs(identity) do
            tell(txn, name, answer.headers[name])
        end
        local nonce = lines_of(answer.headers["dpop-nonce"])
        if #nonce == 1 then
            txn:set_var("txn.requires_auth_nonce", nonce[1])
        end
        txn:set_var("txn.requires_auth", "allowed")
    end
end

core.register_action("requires_auth", { "http-req" }, requires_auth, 2)
