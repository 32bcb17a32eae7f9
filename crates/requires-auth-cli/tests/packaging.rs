//! What is shipped beside the binary fits it.

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use self::support::run;

const UNIT: &str = include_str!("../../../packaging/requires-auth.service");

#[test]
fn the_unit_calls_commands_that_exist() {
    for setting in ["ExecStart=", "ExecReload="] {
        let line = UNIT.lines().find_map(|line| line.strip_prefix(setting)).expect(setting);
        let args = line.strip_prefix("/usr/bin/requires-auth ").expect("the binary");
        // Flags before `--help` are read, and refused if they are unknown.
        let args: Vec<_> = args.split(' ').chain(["--help"]).collect();
        let help = run(&args, "");
        assert_eq!(help.code(), 0, "{line}: {help:?}");
    }
    let wrong = run(&["serve", "--no-such-flag", "--help"], "");
    assert_eq!(wrong.code(), 2, "a flag that does not exist would be seen");
}

#[test]
fn the_unit_allows_as_many_files_as_the_gateway_can_use() {
    // 10,000 clients, as many connections to the application, and 128 files for everything else.
    assert!(UNIT.lines().any(|line| line == "LimitNOFILE=20128"), "{UNIT}");
}
