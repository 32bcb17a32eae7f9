//! Where the server is, and how a connection to it is made.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, IntoConnectionInfo as _, RedisResult,
    TlsCertificates, Value,
};
use url::Url;

use super::tls;
use crate::settings::Secret;

/// How long it may take to be connected and logged in.
pub(super) const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// So many commands may wait to be written.
const QUEUE: usize = 4_096;

/// A server, or a cluster of them.
#[derive(Clone)]
pub(super) struct Target {
    client: AnyClient,
    place: String,
}

#[derive(Clone)]
enum AnyClient {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// Whom to log in as.
#[derive(Default)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
}

/// The URL of a node, checked.
pub(super) struct Node {
    info: ConnectionInfo,
    /// As it may be shown.
    place: String,
    is_tls: bool,
}

/// A connection that many can use at a time.
#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Node {
    /// `redis://host:port/db` or `rediss://..`, without a user.
    ///
    /// # Errors
    ///
    /// What is expected instead.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "redis://host:6379, or rediss:// with TLS")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "a URL without a user and a password: give `username`, and `password` by `password_env` or \
                        `password_file`",
            );
        }
        let is_tls = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err("redis://host:6379, or rediss:// with TLS"),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("a URL with a host")?;
        let database = url.path().strip_prefix('/').unwrap_or_default();
        let is_database = database.len() <= 4 && database.bytes().all(|byte| byte.is_ascii_digit());
        if !is_database || url.query().is_some() || url.fragment().is_some() {
            return Err("a URL with nothing after the port but the number of a database");
        }
        let place = format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(6379));
        let info = format!("{place}/{database}").into_connection_info().map_err(|_| "a URL of Redis")?;
        Ok(Self { info, place, is_tls })
    }

    pub(super) const fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl Target {
    /// One server, or the cluster that these nodes are of.
    ///
    /// # Errors
    ///
    /// The certificates cannot be read, or the nodes do not fit together.
    pub(super) fn new(
        nodes: Vec<Node>,
        is_cluster: bool,
        login: &Login,
        ca: Option<Vec<u8>>,
    ) -> RedisResult<Self> {
        let is_tls = nodes.iter().any(Node::is_tls);
        if is_tls {
            tls::have_provider();
        }
        let place = nodes.iter().map(|node| node.place.as_str()).collect::<Vec<_>>().join(" ");
        let infos = nodes.into_iter().map(|node| login.add_to(node.info));
        let ca = ca.filter(|_| is_tls).map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) });
        let client = if is_cluster {
            // A command that may have been executed is not sent again.
            let builder = ClusterClientBuilder::new(infos)
                .retries(0)
                .connection_timeout(LONGEST_CONNECT)
                .response_timeout(LONGEST_CONNECT);
            AnyClient::Cluster(Box::new(ca.into_iter().fold(builder, ClusterClientBuilder::certs).build()?))
        } else {
            let mut infos = infos;
            let info = infos.next().ok_or((redis::ErrorKind::InvalidClientConfig, "no server"))?;
            AnyClient::Single(Box::new(match ca {
                Some(ca) => Client::build_with_tls(info, ca)?,
                None => Client::open(info)?,
            }))
        };
        Ok(Self { client, place })
    }

    /// Where it is, without user and password.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Connects and logs in.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        Ok(match &self.client {
            AnyClient::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(LONGEST_CONNECT))
                    .set_response_timeout(Some(LONGEST_CONNECT))
                    .set_pipeline_buffer_size(QUEUE);
                Connection::Single(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            AnyClient::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
        })
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.place).finish()
    }
}

impl Login {
    fn add_to(&self, info: ConnectionInfo) -> ConnectionInfo {
        let mut settings =
            info.redis_settings().clone().set_lib_name("requires-auth", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.text());
        }
        info.set_redis_settings(settings)
    }
}

impl Connection {
    /// Sends a command once, and waits for its answer.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::Single(connection) => connection.req_packed_command(command).await,
            Self::Cluster(connection) => connection.req_packed_command(command).await,
        };
        // An error of the server is a value, too.
        answer.and_then(Value::extract_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shown_with_their_port() {
        for (url, place) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("rediss://redis.internal:7000/3", "rediss://redis.internal:7000"),
            ("redis://[::1]:6380/", "redis://[::1]:6380"),
        ] {
            let node = Node::parse(url).unwrap_or_else(|expected| panic!("{url}: {expected}"));
            assert_eq!(node.place, place);
            assert_eq!(node.is_tls(), url.starts_with("rediss"));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for url in [
            "",
            "localhost:6379",
            "http://localhost:6379",
            "redis:///0",
            "redis://user@localhost",
            "redis://:secret@localhost",
            "redis://localhost/zero",
            "redis://localhost/0/1",
            "redis://localhost//0",
            "redis://localhost?db=1",
            "redis://localhost#insecure",
            "rediss://localhost/#insecure",
        ] {
            assert!(Node::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let login = Login { username: Some("api".into()), password: Some(Secret::new("secret-of-redis")) };
        let node = Node::parse("redis://localhost").expect("a node");
        let target = Target::new(vec![node], false, &login, None).expect("a target");
        assert!(!format!("{target:?}").contains("secret-of-redis"));
    }
}
