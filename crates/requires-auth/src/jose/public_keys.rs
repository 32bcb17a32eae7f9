//! Keys whose private halves are public, because the testkit ships them for its vectors.
//!
//! Anyone can sign with them, so a guard never uses one, wherever it comes from.

use super::jwk::Thumbprint;

/// Whether this is a fixed key of `requires-auth-testkit`.
pub(crate) fn is_public_test_key(thumbprint: &Thumbprint) -> bool {
    let thumbprint = thumbprint.to_string();
    PUBLIC_TEST_KEYS.contains(&thumbprint.as_str())
}

/// RFC 7638 thumbprints; a test compares them with the testkit.
const PUBLIC_TEST_KEYS: &[&str] = &[
    "0LbN8JY5x5exGI2SATtr7a8b5nJgm0KuhMyHdIGemmg",
    "24KeQn_fVDycFq5fVaUIFfl7EAI9sRBKNbidyNYOfYc",
    "4hcV7Xk1mG6JCHtLzzCi09ahIdROmeNywWsXJVxeYUU",
    "4t-bJb_pr8KzIpbLFQhOWgE0yPzYylSm6AiOBHGCQTY",
    "9RREJzkrfFurp7IIO99Eaqn1wFmiFlLrFQAHqag9Azs",
    "Dqrur2SOSnYzyL0qEMj0roUNf5P6eQHFrDDlTvJ-nSY",
    "ENJe0-TpAFmRvDClXjWImZ9ONvZmZ_KYFKXLg0CkGqU",
    "F4-lVwRkHX2LZILtE66iXZOWuuOLI0bSP5aDVBAm3Oo",
    "IDrKHwc6HtU43EVAKcPpK1ZqD28KPvA9ivBdTJgCyZA",
    "KLDAiUlRWNwnUgcfvqtpcibS6mOohOZhqc06551fCQ0",
    "LE8AtJe-I0ubjOs9WvnplO2lKeg9oDBpzm0ByJ0i3Mg",
    "NGZ04qkAAiiTBHbFIOfiv-gdc10h3rFXbudJJdmhsZ8",
    "VutMJ_TfqNUrBpkPeLAPoFYHuFBM2OiPJrFxOTByTfQ",
    "ZIBHzJqOriFcNmn-O0XbB-f49V_WeANgTBmzQMFSV4g",
    "ZNTFID3gJ1JFNWO2Zei4kpCHWRN8ddVkL_8HTiG2fHQ",
    "_kEF_ez12lGEgD34L3B9eFIJWl-8RvuE6PAPTnJlpEo",
    "er9UA3BEwX0i97ZTch7YVmG8kyvDXCCgCc2MF5BaXSA",
    "g7XdSRuTOb4c6RlLJl8NNSrS9Gu9a4KGBQWOlVoDcOQ",
    "jSZN4uJBH9cYWTfepZ-H5qDAopnLU-JrsISa790TEjQ",
    "k0Cb4tulp36aMFuuTkCQnGUYf_17r8abn_F0rsKoFAU",
    "kXZy-42dOBgDo7Rv24FXMt_6nqcHRbYYM8QDBfHCObk",
    "mx7dZk1_7kctN5SMeqCxn3sXuNY1A6-upEZfyKetJjY",
    "oTw6snXxMfzQBUndCBWz8R1TUgSGNfMvhsheS_9t4DA",
    "pYB4TI5Shnrl-a2Y5bvwVw3RUoVVNfkV2RuWe9_ghx0",
    "q-uVQ8i3ZGKPOD_6O6RcYnAKDGsQhRoAIF8ADBNFQ5Y",
    "tT_xexDQuIQyX52sEsxpddRHXC2WfGAn-oEPholdv2Y",
    "uSSIphfu0KvzG6mr2eRUT4_lzMPQFs5PlfzPKCW6wxs",
    "vrrn7BZP4_zg6JRArqdcbu_ieS6hKyGsYRUmr_RLuVE",
];
