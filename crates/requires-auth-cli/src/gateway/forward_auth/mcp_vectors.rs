//! The shared vectors of messages to an MCP server whose body nobody sees, through every dialect.

use requires_auth_testkit::vectors::mcp_cases;

use super::request_vectors::{grpc_as_sent, question};
use super::vectors::{as_told_by, over_http, sections, told_over_grpc, told_over_http};
use super::*;
use crate::gateway::vector_gateway::{self, Told};

#[tokio::test]
async fn headers_alone_decide_as_the_vectors_say() {
    let mut asked = 0;
    for case in mcp_cases().iter().filter(|case| case.body.is_none() && case.request.jwks.is_some()) {
        let keys = "mcp_headers = \"server-validates\"\n";
        let (config, auth) = vector_gateway::of_mcp(case, &sections(), keys);
        let gateway = Gateway::new(&config, auth).expect("a gateway");
        let (request, expected) = (&case.request, Told::expected_of_request(&case.request));
        for dialect in over_http() {
            let question = question(dialect, request, &request.headers).expect("a question");
            let (told, _) = told_over_http(&gateway, &question).await;
            assert_eq!(told, as_told_by(dialect, &expected), "{} in {dialect:?}", request.id);
            asked += 1;
        }
        let (told, _) = told_over_grpc(&gateway, grpc_as_sent(request)).await;
        assert_eq!(told, expected, "{} in envoy-grpc", request.id);
        asked += 1;
    }
    assert!(asked > 30, "{asked}");
}
