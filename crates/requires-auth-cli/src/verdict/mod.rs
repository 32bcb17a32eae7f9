//! What `verify`, `explain` and `doctor` share: what a token is measured by, who judges it, and how a verdict is told.

mod answer;
mod key_file;
mod settings;
mod judge;
mod report;

pub(crate) use self::answer::{Answer, ErrorBody};
pub(crate) use self::judge::{Judge, no_keys, without_keys};
pub(crate) use self::report::{print_denial, print_verdict};
pub(crate) use self::settings::{
    Proven, Settings, VerdictArgs, leeway, moment, origin_and_target, policy, profile, provider,
};
