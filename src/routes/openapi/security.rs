//! The security schemes of the document: how a request presents its tokens.

use utoipa::openapi::schema::Components;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::super::access::Access;
use super::super::delivery::{Delivery, Refresh};

/// Name of the bearer scheme in the document.
const BEARER: &str = "bearer";

/// Names of the cookie schemes in the document.
const ACCESS_COOKIE: &str = "accessCookie";
const REFRESH_COOKIE: &str = "refreshCookie";

/// Adds the scheme of access tokens in the `Authorization` header.
pub(in crate::routes) fn add_bearer_scheme(components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access token of a login. Its session must be live."))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
}

/// Adds the schemes of the cookies in which tokens travel.
pub(in crate::routes) fn add_cookie_schemes(components: &mut Components, delivery: &Delivery) {
    let refresh = match &delivery.refresh {
        Refresh::Cookie(cookie) => Some(cookie),
        Refresh::Never | Refresh::Body => None,
    };
    for (scheme, cookie, what) in [
        (ACCESS_COOKIE, delivery.access.as_ref(), "The access token of a login."),
        (REFRESH_COOKIE, refresh, "The refresh token of a login."),
    ] {
        if let Some(cookie) = cookie {
            let value = ApiKeyValue::with_description(cookie.name(), what);
            components.add_security_scheme(scheme, SecurityScheme::ApiKey(ApiKey::Cookie(value)));
        }
    }
}

/// Returns the security schemes. One of them is enough for the route.
pub(super) fn schemes(access: Access, delivery: &Delivery) -> impl Iterator<Item = &'static str> {
    let by_access_token = !matches!(access, Access::Open | Access::Refresh);
    let by_cookie = by_access_token && delivery.access.is_some();
    let by_refresh_cookie = matches!(access, Access::Token | Access::Refresh)
        && matches!(delivery.refresh, Refresh::Cookie(_));
    let schemes = [
        (BEARER, by_access_token),
        (ACCESS_COOKIE, by_cookie),
        (REFRESH_COOKIE, by_refresh_cookie),
    ];
    schemes.into_iter().filter(|(_, enough)| *enough).map(|(scheme, _)| scheme)
}
