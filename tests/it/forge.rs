//! Checks the token forger of the tests. If the forger signed tokens wrongly, each test of a
//! rejected token would pass for the wrong reason.

use crate::support::forge::{decoded, forge, parts};

// The example in RFC 7515, appendix A.1, has line breaks in its header and in its payload.
#[test]
fn forge_signs_the_token_of_rfc_7515_correctly() {
    let secret = [
        3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166, 143, 90, 179, 40, 230,
        240, 84, 201, 40, 169, 15, 132, 178, 210, 80, 46, 191, 211, 251, 90, 146, 210, 6, 71, 239,
        150, 138, 180, 195, 119, 98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245,
        103, 208, 128, 163,
    ];
    let header = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
    let payload =
        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    let token = forge(header, payload, &secret);
    let (first, second, signature) = parts(&token);
    assert_eq!((decoded(first).as_str(), decoded(second).as_str()), (header, payload));
    assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}
