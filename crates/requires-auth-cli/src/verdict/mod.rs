//! What `verify`, `explain` and `doctor` share: what a token is measured by, who judges it, and how a verdict is told.

mod answer;
mod key_file;
mod moment;
mod request;
mod settings;
mod judge;
mod report;

pub(crate) use self::answer::{Answer, ErrorBody};
pub(crate) use self::judge::{Judge, no_keys, without_keys};
pub(crate) use self::moment::moment;
pub(crate) use self::report::{print_denial, print_refusal, print_token};
pub(crate) use self::request::{NowArgs, Proven, RequestArgs, origin_and_target};
pub(crate) use self::settings::{Settings, VerdictArgs, leeway, policy, profile, provider};
