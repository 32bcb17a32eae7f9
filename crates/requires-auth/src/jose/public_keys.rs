//! Keys whose private halves anyone can look up.
//!
//! Whoever reads the page or the file that prints them can sign with them, so a guard never uses one,
//! wherever it comes from. Symmetric keys need no list: a key set that shows one is never used for it.

use super::jwk::Thumbprint;

/// Whether the private half of this key is published: by `requires-auth-testkit`, by an RFC, or by jwt.io.
pub(crate) fn is_public_test_key(thumbprint: &Thumbprint) -> bool {
    let thumbprint = thumbprint.to_string();
    let is_example = || EXAMPLE_KEYS.iter().any(|&(example, _)| example == thumbprint);
    TESTKIT_KEYS.contains(&thumbprint.as_str()) || is_example()
}

/// RFC 7638 thumbprints of keys that are printed with their private halves, and where.
const EXAMPLE_KEYS: &[(&str, &str)] = &[
    ("IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8", "RFC 7515 appendix A.2: RSA"),
    ("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "RFC 7515 appendix A.3: P-256"),
    ("u5YUSjQ2-2chBi51NSk3t3g7IM4o2KYcnPqPtCNGd3U", "RFC 7515 appendix A.4: P-521"),
    ("cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", "RFC 7517 appendix A.2: P-256"),
    ("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7517 appendix A.2, also RFC 7638 section 3.1: RSA"),
    ("dHri3SADZkrush5HU_50AoRhcKFryN-PI6jPBtPL55M", "RFC 7520 section 3.2: P-521"),
    ("9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI", "RFC 7520 section 3.4: RSA"),
    ("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "RFC 8037 appendix A.1: Ed25519"),
    (
        "oGDmHqCJ7yzMkWEkrlZVHkvrHIyQwtlDmeq5ForUHeY",
        "jwt.io, the example for RS256 to RS512 and PS256 to PS512",
    ),
    ("19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8", "jwt.io, the example for ES256"),
    ("iTqXXI0zbAnJCKDaobfhkM1f-6rMSpTfyZMRp_2tKI8", "jwt.io, the example for ES384"),
    ("xZDfZpry4P9vZPZyG2fNBRj-7Lz5omVdm7tHoCgSNfY", "jwt.io, the example for ES512"),
];

/// RFC 7638 thumbprints of the fixed keys of the testkit; a test compares them with it.
const TESTKIT_KEYS: &[&str] = &[
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
