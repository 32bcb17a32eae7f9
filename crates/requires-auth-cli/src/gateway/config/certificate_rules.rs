//! What a header with the certificate of a client must agree about with the rest of the file.

use requires_auth::config::{IssuerConfig, Reader};
use requires_auth::settings::{CLIENT_CERT_HEADER, CLIENT_CERTIFICATES};
use toml::de::DeTable;

use super::model::GatewayConfig;

/// Notes what cannot stand together with the rest of the file.
pub(super) fn check(
    reader: &mut Reader<'_>,
    document: &DeTable<'_>,
    issuers: &[IssuerConfig],
    config: &GatewayConfig,
) {
    let is_adapter = config.forward_auth.is_some() || config.reverse_proxy.is_some();
    let of_guard = CLIENT_CERT_HEADER.setting.key;
    if is_adapter && document.contains_key(of_guard) {
        let hint = "write client_certificate in [forward_auth] or [reverse_proxy]: it is read from trusted peers alone";
        reader.report(of_guard, of_guard, "this in a gateway", "the header in its section", hint);
    }
    let switch = CLIENT_CERTIFICATES.setting.key;
    let is_on = document.get(switch).is_some_and(|value| value.get_ref().as_bool() == Some(true))
        || issuers.iter().any(|issuer| issuer.get(CLIENT_CERTIFICATES) == Some(true));
    if config.certificate_header().is_some() && !is_on {
        let hint =
            "no token may be bound to a certificate yet: write client_certificates = true above all tables";
        reader.report(switch, switch, "nothing beside `client_certificate`", "true", hint);
    }
}
