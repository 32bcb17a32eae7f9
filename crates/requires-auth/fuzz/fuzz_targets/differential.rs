//! Whole tokens, minted from the vectors and mutated, judged by the library, by the oracle and by `jsonwebtoken`.
//!
//! Input: a [`Plan`], as `arbitrary` reads it; `cargo fuzz fmt differential FILE` shows it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use requires_auth_fuzz::compare::compare;
use requires_auth_fuzz::plan::Plan;

fuzz_target!(|plan: Plan| {
    let (token, setting) = plan.carry_out();
    compare(&token, &setting);
});
