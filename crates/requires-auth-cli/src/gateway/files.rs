//! How many files this process may have open, which is how many connections it can hold.

/// How many connections of clients the gateway has at most, if the system allows that many files.
pub(crate) const MOST_CONNECTIONS: usize = 10_000;

/// Files that are neither connections of clients nor to the application: listeners, key fetches, the admin pages, the
/// standard streams.
const OTHER_FILES: usize = 128;

/// What the gateway could use: each client's connection may need one to the application.
#[cfg(unix)]
const USEFUL: u64 = 2 * MOST_CONNECTIONS as u64 + OTHER_FILES as u64;

/// How many connections of clients the files of this process allow, and as many to the application.
pub(crate) fn connections() -> usize {
    (open_files().unwrap_or(usize::MAX).saturating_sub(OTHER_FILES) / 2).clamp(16, MOST_CONNECTIONS)
}

/// Takes as many files as the system lets this process take without a privilege, up to what is of use. Most systems give
/// a process 1,024 at first, for the sake of programs that use `select`.
#[cfg(unix)]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(USEFUL, |most| most.min(USEFUL));
    if limit.current.is_some_and(|current| current < wanted)
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
pub(crate) const fn raise_limit() {}

#[cfg(unix)]
fn open_files() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    usize::try_from(limit).ok()
}

#[cfg(not(unix))]
const fn open_files() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_the_process_leaves_files_for_other_work() {
        raise_limit();
        let most = connections();
        assert!((16..=MOST_CONNECTIONS).contains(&most));
        let files = open_files().unwrap_or(usize::MAX);
        assert!(most == 16 || most * 2 + OTHER_FILES <= files, "{most} of {files}");
    }
}
