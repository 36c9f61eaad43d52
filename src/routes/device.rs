//! The device cookie: a separate limit of failed logins for a device that has logged in before.

use std::borrow::Cow;
use std::time::Duration;

use cookie::SameSite;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::cookie::TokenCookie;
use super::delivery::Ways;
use super::error_response::Problem;
use crate::error::ConfigError;
use crate::manager::SessionManager;
use crate::session::SessionData;
use crate::token::Device;

/// The longest lifetime of a device cookie. It is shorter than the time for which a store remembers
/// a password change ([`PASSWORD_EPOCH_LIFE`](crate::store::PASSWORD_EPOCH_LIFE)).
const MAX_LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The cookie that lets a known device log in to its account while others guess the password.
///
/// The routes [limit](super::LoginLimit) failed logins for each name and account. An attacker who
/// guesses passwords therefore also blocks the user of the account. The device cookie prevents this
/// for devices that have logged in to the account before. The failed logins of such a device count
/// only for the device. An attacker has no such cookie, because only a successful login sets it.
///
/// Within the window of the [`LoginLimit`](super::LoginLimit), 5 logins of a device may fail. If
/// the limit of a name is lower than 5, the limit of a name applies to the device. When the device
/// has reached its limit, it is treated as unknown until its wait has ended.
///
/// - A login through `POST /login` or through the application ([`Logins`](super::Logins)) sets the
///   cookie. Each later login with the cookie renews it. A logout does not clear it.
/// - Its attributes are `HttpOnly; SameSite=Strict; Path=/`. With `Secure`, its name has the prefix
///   `__Host-`.
/// - It contains no user name. It contains a random device id, the time of issue, a MAC of the
///   account, a MAC of the account's password epoch, and a MAC over all of these. The password
///   epoch is a value that a password change replaces. The MAC keys are derived from the refresh
///   keys. If there are no refresh keys, the MAC keys are derived from the signing key.
/// - It is bound to one account. It becomes invalid when all sessions of the user are revoked with
///   [`RevokeReason::PasswordChange`](crate::RevokeReason::PasswordChange).
/// - It becomes invalid when the key from which its MAC keys are derived is removed from its key
///   set. A retired HMAC secret ([`KeySet::also_verify`](crate::KeySet::also_verify)) still
///   verifies the cookie. A retired public key does not verify it, because a MAC key can be derived
///   only from a secret.
/// - It authenticates nothing. A person with the cookie but without the password can only make as
///   many failed logins as the limit of the device allows.
///
/// **Limitations.** While others guess the password of an account, a *new* device of that account
/// must still wait. A browser that has deleted its cookies is a new device. A browser has only one
/// device cookie. If several accounts log in with one browser, it has the device cookie of the
/// latest login. A login without the store
/// ([`token_only_logins`](super::RoutesBuilder::token_only_logins)) neither reads nor sets the
/// cookie.
///
/// By default, the routes set the cookie if refresh tokens or access tokens travel in cookies. If
/// no tokens travel in cookies,
/// [`RoutesBuilder::device_cookie`](super::RoutesBuilder::device_cookie) turns the device cookie
/// on.
///
/// The cookie costs no round trip to the store. A login with a valid device cookie makes at least
/// two round trips fewer than a login without one.
///
/// ```
/// use std::time::Duration;
/// use tower_session_auth::routes::DeviceCookie;
///
/// let cookie = DeviceCookie::new().lifetime(Duration::from_secs(30 * 24 * 60 * 60));
/// # let _ = cookie;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCookie {
    name: Cow<'static, str>,
    lifetime: Duration,
    secure: Option<bool>,
}

impl DeviceCookie {
    /// Creates the cookie `__Host-login_device` with a lifetime of 90 days.
    #[must_use]
    pub fn new() -> Self {
        let lifetime = Duration::from_secs(90 * 24 * 60 * 60);
        Self { name: Cow::Borrowed("login_device"), lifetime, secure: None }
    }

    /// Sets the name, without the prefix. Default: `login_device`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// Sets how long a device is treated as known after its latest login. Default: 90 days. Range:
    /// 1 hour to 180 days. A shorter lifetime also applies to cookies that browsers already have. A
    /// longer lifetime applies to such a cookie only after the next login, because the browser
    /// removes the cookie at the end of the lifetime with which it was set.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the `Secure` attribute. `false` also removes the prefix `__Host-`. Use `false` only for
    /// development over plain HTTP. Default: the value of the [refresh
    /// cookie](super::RefreshCookie::secure). Without a refresh cookie, the default is the value of
    /// the [access cookie](super::AccessCookie::secure). With neither cookie, the default is
    /// `true`.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }
}

impl Default for DeviceCookie {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the routes set a device cookie.
#[derive(Clone, Debug, Default)]
pub(super) enum DeviceSetting {
    /// The routes set the default cookie if tokens travel in cookies.
    #[default]
    WithCookies,
    /// The routes set this cookie with every delivery.
    Always(DeviceCookie),
    /// The routes set no device cookie.
    Never,
}

/// Sets and reads device cookies.
pub(super) struct Devices {
    cookie: TokenCookie,
    lifetime: Duration,
}

impl Devices {
    /// Applies the setting. Returns `None` if the routes set no device cookie.
    ///
    /// Fails if the lifetime is out of range, if the name is invalid, or if a token cookie has the
    /// same name.
    pub(super) fn new(setting: DeviceSetting, ways: &Ways) -> Result<Option<Self>, ConfigError> {
        let of_tokens = ways.secure_cookies();
        let DeviceCookie { name, lifetime, secure } = match setting {
            DeviceSetting::Never => return Ok(None),
            DeviceSetting::WithCookies if of_tokens.is_none() => return Ok(None),
            DeviceSetting::WithCookies => DeviceCookie::new(),
            DeviceSetting::Always(cookie) => cookie,
        };
        if !(Duration::from_secs(60 * 60)..=MAX_LIFETIME).contains(&lifetime) {
            let rule = "must be 1 hour to 180 days";
            return Err(ConfigError::OutOfRange { setting: "device_cookie.lifetime", rule });
        }
        let secure = secure.or(of_tokens).unwrap_or(true);
        let cookie = TokenCookie::new(&name, "/", secure, SameSite::Strict)?;
        if ways.at("/")?.cookie_names().any(|name| name == cookie.name()) {
            let rule = "must differ between the device cookie and the token cookies";
            return Err(ConfigError::OutOfRange { setting: "cookie name", rule });
        }
        Ok(Some(Self { cookie, lifetime }))
    }

    /// Returns the device of the first valid device cookie of the request. A device cookie is valid
    /// if one of the keys has made its device token and the token has not expired. The method
    /// ignores invalid device cookies, and all device cookies after the first 8.
    pub(super) fn shown<D: SessionData>(
        &self,
        manager: &SessionManager<D>,
        headers: &HeaderMap,
    ) -> Option<Device> {
        const MAX_COOKIES: usize = 8;
        let mut shown = self.cookie.read(headers).take(MAX_COOKIES);
        shown.find_map(|token| manager.device(token, self.lifetime))
    }

    /// Sets the cookie to this device token.
    pub(super) fn set(&self, headers: &mut HeaderMap, token: &str) -> Result<(), Problem> {
        let cookie = self.cookie.set(token, self.lifetime)?;
        headers.append(SET_COOKIE, cookie);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::cookie::{AccessCookie, RefreshCookie, RefreshDelivery};
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn ways(refresh: Option<RefreshDelivery>, access: Option<AccessCookie>) -> Ways {
        Ways { refresh, access, device: false }
    }

    fn name(setting: DeviceSetting, ways: &Ways) -> Option<String> {
        let devices = Devices::new(setting, ways).unwrap();
        devices.map(|devices| devices.cookie.name().to_owned())
    }

    #[test]
    fn device_cookie_is_set_if_tokens_use_cookies_or_if_configured() {
        let plain_http = RefreshCookie::new().secure(false);
        for (ways, expected) in [
            (ways(Some(RefreshDelivery::default()), None), Some("__Host-login_device")),
            (ways(None, Some(AccessCookie::new())), Some("__Host-login_device")),
            (ways(Some(plain_http.into()), None), Some("login_device")),
            (ways(Some(RefreshDelivery::Body), None), None),
            (ways(None, None), None),
        ] {
            assert_eq!(name(DeviceSetting::default(), &ways).as_deref(), expected, "{ways:?}");
            assert_eq!(name(DeviceSetting::Never, &ways), None);
            let always = DeviceSetting::Always(DeviceCookie::new().name("d").secure(true));
            assert_eq!(name(always, &ways).as_deref(), Some("__Host-d"));
        }
    }

    #[test]
    fn invalid_device_cookie_is_rejected_with_the_name_of_the_setting() {
        let ways = ways(Some(RefreshDelivery::default()), Some(AccessCookie::new()));
        let new = DeviceCookie::new;
        for (bad, named) in [
            (new().lifetime(Duration::ZERO), "device_cookie.lifetime"),
            (new().lifetime(181 * DAY), "device_cookie.lifetime"),
            (new().lifetime(Duration::MAX), "device_cookie.lifetime"),
            (new().name("a b"), "cookie name"),
            (new().name("__Host-device"), "cookie name"),
            (new().name("refresh_token"), "cookie name"),
            (new().name("access_token"), "cookie name"),
        ] {
            let error = Devices::new(DeviceSetting::Always(bad), &ways).err().unwrap();
            assert!(matches!(error, ConfigError::OutOfRange { setting, .. } if setting == named));
        }
        let longest = DeviceSetting::Always(new().lifetime(180 * DAY));
        assert!(Devices::new(longest, &ways).is_ok());
    }
}
