//! The texts of Envoy's file, with marks where its values come.

pub(super) const RESPONSE: &str = "                        authorization_response:\n";

/// By itself, Envoy adds nothing to the answer of the application.
pub(super) const NONCES: &str =
    "                          # The nonce that clients are to use from now on (RFC 9449, 8.2).
                          allowed_client_headers_on_success:
                            patterns:
                              - exact: dpop-nonce
                              - exact: cache-control
";

pub(super) const COPIED: &str = "                          allowed_upstream_headers:
                            patterns:
";

pub(super) const HTTP_SERVICE: &str =
    "                      # What the gateway looks at beside method, path and Authorization.
                      allowed_headers:
                        patterns:
<shown>
                      http_service:
                        path_prefix: /forward-auth/envoy
                        server_uri:
                          uri: <gateway-uri>
                          cluster: requires_auth
                          # A first fetch of keys takes longer than Envoy's 200 ms.
                          timeout: 6s
<copied>
";

pub(super) const GRPC_SERVICE: &str = "                      grpc_service:
                        envoy_grpc: { cluster_name: requires_auth }
                        # A first fetch of keys takes longer than Envoy's 200 ms.
                        timeout: 6s
<beside>";

pub(super) const BESIDE: &str =
    "                      # The certificate of the client, which a token may be bound to.
                      include_peer_certificate: true
";

/// The header in which Envoy tells certificates.
pub(super) const CERTIFICATE: &str = "X-Forwarded-Client-Cert";

/// Envoy overwrites what a client has sent there, or takes it away.
pub(super) const FORWARDED: &str = "                # Only Envoy tells the certificate of a client.
                forward_client_cert_details: SANITIZE_SET
";

pub(super) const TLS: &str = " transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              require_client_certificate: false
              common_tls_context:
                # Put your own certificate in the place of this.
                tls_certificates:
                  - certificate_chain: { filename: \"/etc/envoy/tls/certificate.pem\" }
                    private_key: { filename: \"/etc/envoy/tls/key.pem\" }
                # Clients may show a certificate, whoever has issued it: what counts is that a token is bound to it (RFC 8705).
                validation_context: { trust_chain_verification: ACCEPT_UNTRUSTED }
         ";

/// gRPC is HTTP/2, and Envoy has to be told.
pub(super) const HTTP_2: &str = "      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http2_protocol_options: {} }
";

pub(super) const TEMPLATE: &str = "
static_resources:
  listeners:
    - address:
        socket_address: { address: \"0.0.0.0\", port_value: <port> }
      filter_chains:
        -<tls> filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: api
<forwarded>                # Many applications make the same of `X_A` and `X-A`.
                common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }
                route_config:
                  virtual_hosts:
                    - name: api
                      domains: [\"*\"]
                      routes:
<documents>
                        - match: { prefix: \"/\" }
<route>
                http_filters:
                  - name: envoy.filters.http.ext_authz
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                      transport_api_version: V3
                      failure_mode_allow: false
                      status_on_error: { code: ServiceUnavailable }
<service>
                  - name: envoy.filters.http.router
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
    - name: requires_auth
      type: STRICT_DNS
<protocol>      load_assignment:
        cluster_name: requires_auth
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { <gateway> } }
    - name: application
      type: STRICT_DNS
      load_assignment:
        cluster_name: application
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { <application> } }
";
