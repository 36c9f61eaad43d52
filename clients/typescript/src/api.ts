// Written from openapi.json by `npm run types`: do not change it here.

export interface paths {
    "/api/auth/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the state of the service
         * @description Asks the session store at each request.
         */
        get: operations["api_auth_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Opens a session for the user with this id or e-mail address. An unknown user, a wrong password and an account that is not active get the same answer: 401 `invalid_credentials`. After too many failed logins with one name or from one address, the server verifies no password for a while and answers 429 `rate_limited`. After too many failed logins to one account, the server answers 401 `invalid_credentials` for a while. A server can be configured to issue an access token without a session while the session store is unavailable. Some routes accept such a token until the store answers again.
         */
        post: operations["api_auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Revokes the session of each token in the request: of an access token, which may have expired, of a refresh token, or of both. If a session is already over, the answer is 200 as well. The answer clears the cookies, also with 400 and 401, but not while the session store is unavailable. A body without a refresh token counts as no body.
         */
        post: operations["api_auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke all sessions of the caller
         * @description Revokes them in one step. A login in progress must verify its password again.
         */
        post: operations["api_auth_logout_all"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the caller's user data
         * @description Asks the user directory at each request. Without a user directory, returns the data of the session.
         */
        get: operations["api_auth_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a refresh token for the next tokens
         * @description Extends the session, up to its absolute deadline. A refresh token that was exchanged before returns the same successor during the grace period of some seconds, because the first answer may have been lost. After that period the token counts as stolen, and the session is revoked. A server can be configured to accept the token for longer while its successor is unused. A failed refresh leaves the cookies unchanged. If the request has several refresh cookies of one user, the server uses that of the latest login. If they belong to different users, the answer is 401 `invalid_token`.
         */
        post: operations["api_auth_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's sessions
         * @description Returns one session for each login, for example on another device. The most recently used session comes first.
         */
        get: operations["api_auth_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke one of the caller's sessions
         * @description Answers 404 if the caller has no live session with this id.
         */
        delete: operations["api_auth_end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Something that needs a session */
        get: operations["api_data"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get this document
         * @description OpenAPI 3.1 as JSON.
         */
        get: operations["api_openapi_json_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the sessions of all users
         * @description Returns one page. A session that is live from the first page to the last is on at least one page. A page may have fewer sessions than `limit`, or none, although more pages follow.
         */
        get: operations["api_session_all"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/cleanup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Free expired sessions
         * @description Optional: an expired session is never accepted, and the session store frees it over time without this route.
         */
        post: operations["api_session_cleanup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the caller's session
         * @description Reads the session from the session store.
         */
        get: operations["api_session_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Extend the caller's session
         * @description Restarts the idle time of the session, up to its absolute deadline.
         */
        post: operations["api_session_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the number of sessions
         * @description Returns the result of a count that ended at most 60 seconds ago.
         */
        get: operations["api_session_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/user/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the sessions of one user
         * @description The most recently used session comes first.
         */
        get: operations["api_session_user_sessions"];
        put?: never;
        post?: never;
        /**
         * Revoke all sessions of one user
         * @description Revokes them in one step. A login in progress must verify its password again.
         */
        delete: operations["api_session_end_user_sessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session/user/{user_id}/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke one session of one user
         * @description Does not revoke the other sessions of the user. Answers 404 if the user has no live session with this id.
         */
        delete: operations["api_session_end_user_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the state of the service
         * @description Asks the session store at each request.
         */
        get: operations["auth_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Opens a session for the user with this id or e-mail address. An unknown user, a wrong password and an account that is not active get the same answer: 401 `invalid_credentials`. After too many failed logins with one name or from one address, the server verifies no password for a while and answers 429 `rate_limited`. After too many failed logins to one account, the server answers 401 `invalid_credentials` for a while. A server can be configured to issue an access token without a session while the session store is unavailable. Some routes accept such a token until the store answers again.
         */
        post: operations["auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Revokes the session of each token in the request: of an access token, which may have expired, of a refresh token, or of both. If a session is already over, the answer is 200 as well. The answer clears the cookies, also with 400 and 401, but not while the session store is unavailable. A body without a refresh token counts as no body.
         */
        post: operations["auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout-all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke all sessions of the caller
         * @description Revokes them in one step. A login in progress must verify its password again.
         */
        post: operations["auth_logout_all"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the caller's user data
         * @description Asks the user directory at each request. Without a user directory, returns the data of the session.
         */
        get: operations["auth_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a refresh token for the next tokens
         * @description Extends the session, up to its absolute deadline. A refresh token that was exchanged before returns the same successor during the grace period of some seconds, because the first answer may have been lost. After that period the token counts as stolen, and the session is revoked. A server can be configured to accept the token for longer while its successor is unused. A failed refresh leaves the cookies unchanged. If the request has several refresh cookies of one user, the server uses that of the latest login. If they belong to different users, the answer is 401 `invalid_token`.
         */
        post: operations["auth_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's sessions
         * @description Returns one session for each login, for example on another device. The most recently used session comes first.
         */
        get: operations["auth_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke one of the caller's sessions
         * @description Answers 404 if the caller has no live session with this id.
         */
        delete: operations["auth_end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the state of the service
         * @description Asks the session store at each request.
         */
        get: operations["health_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check whether the service runs
         * @description Always 200. The route does not ask the session store.
         */
        get: operations["health_live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check whether the service can answer requests that need a session
         * @description Asks the session store at each request. The body holds one word, without details of the store.
         */
        get: operations["health_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The caller's user data. */
        Account: {
            /** @description The e-mail address. */
            email: string | null;
            /** @description The role. */
            role: string | null;
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /**
         * @description The state of the near cache of this process. The counters start at zero when
         *     the process starts.
         */
        CacheHealth: {
            /**
             * @description Whether requests are decided by the current sessions of the store. `true` if the near cache
             *     is coherent. If it is off or refused, each request asks the store, and the value is that of
             *     `store.connected`. `false` while the near cache connects.
             */
            coherent: boolean;
            /** @description The number of cache entries: tokens of live sessions, and of sessions that are over. */
            entries: number;
            /**
             * Format: int64
             * @description The number of reads whose result may be cached.
             */
            fills: number;
            /**
             * Format: int64
             * @description The number of requests that the near cache answered without asking the store.
             */
            hits: number;
            /**
             * Format: int64
             * @description The number of invalidations that the store sent.
             */
            invalidations: number;
            /**
             * Format: double
             * @description The invalidation lag: the time from the last write of the probe key until its invalidation
             *     arrived, in milliseconds.
             */
            lag_ms: number | null;
            /**
             * Format: int64
             * @description The number of invalidation connections that were lost.
             */
            lost_links: number;
            /**
             * Format: int64
             * @description The number of requests with a valid token that the near cache could not answer.
             */
            misses: number;
            /**
             * Format: double
             * @description How long the near cache has been in this state, in seconds.
             */
            since_seconds: number;
            /**
             * Format: int64
             * @description The number of requests that were let in with a stale session, while the store could not
             *     answer.
             */
            stale_served: number;
            /** @description Off; refused by the server; connecting, while each request asks the store; or coherent. */
            state: components["schemas"]["CacheState"];
        };
        /**
         * @description The state of the near cache.
         * @enum {string}
         */
        CacheState: "off" | "refused" | "connecting" | "coherent";
        /** @description The result of a cleanup. */
        Cleaned: {
            /**
             * Format: int64
             * @description The number of expired sessions that were freed.
             */
            cleaned_count: number;
            /** @description What was done, as a text for people. */
            message: string;
        };
        /** @description The caller's session. */
        CurrentSession: {
            /**
             * Format: date-time
             * @description When the session was created.
             */
            created_at: string;
            /** @description The e-mail address. */
            email: string | null;
            /** @description The IP address that the login came from. */
            ip_address: string | null;
            /**
             * Format: date-time
             * @description When the session was last used.
             */
            last_activity: string;
            /** @description The role. */
            role: string | null;
            /**
             * Format: int64
             * @description How long the session lives without further use, in seconds.
             */
            ttl: number;
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description What `/api/data` answers. */
        Data: {
            message: string;
            role: string | null;
            user_id: string;
        };
        /** @description The result of the revocation of all sessions of a user. */
        Deleted: {
            /**
             * Format: int64
             * @description The number of sessions that were revoked.
             */
            deleted_count: number;
            /** @description What was done, as a text for people. */
            message: string;
        };
        /** @description One of the caller's sessions. */
        Device: {
            /**
             * Format: date-time
             * @description When the session was created.
             */
            created_at: string;
            /** @description Whether this is the session of the request. */
            current: boolean;
            /** @description The IP address that the login came from. */
            ip_address: string | null;
            /**
             * Format: date-time
             * @description When the session was last used.
             */
            last_activity: string;
            /** @description The session's public id. */
            session_id: string;
            /**
             * Format: int64
             * @description How long the session lives without further use, in seconds.
             */
            ttl: number;
            /** @description The user agent of the client at the login. */
            user_agent: string | null;
        };
        /** @description The result of a successful request. */
        Done: {
            /** @description What was done, as a text for people. */
            message: string;
        };
        /** @description The state of the service. */
        Health: {
            cache: components["schemas"]["CacheHealth"];
            status: components["schemas"]["HealthStatus"];
            store: components["schemas"]["StoreHealth"];
            worker: components["schemas"]["WorkerHealth"];
        };
        /**
         * @description `healthy` if the session store accepts writes and the background worker runs, otherwise
         *     `degraded`.
         * @enum {string}
         */
        HealthStatus: "healthy" | "degraded";
        /** @description A session in the list of the sessions of all users. */
        ListedSession: {
            /**
             * Format: date-time
             * @description When the session was last used.
             */
            last_activity: string;
            /** @description The role. */
            role: string | null;
            /** @description The session's public id. */
            session_id: string;
            /**
             * Format: int64
             * @description How long the session lives without further use, in seconds.
             */
            ttl: number;
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description The liveness of the service. */
        Liveness: {
            status: components["schemas"]["LivenessStatus"];
        };
        /**
         * @description `alive`: the service runs.
         * @enum {string}
         */
        LivenessStatus: "alive";
        /** @description The result of a successful login. */
        LoggedIn: {
            /** @description The JWT to send as `Authorization: Bearer`. */
            access_token: string;
            /** @description The e-mail address. */
            email: string | null;
            /**
             * Format: int64
             * @description The lifetime of the access token, in seconds.
             */
            expires_in: number;
            /** @description The token for the next refresh. Present only if refresh tokens travel in bodies. */
            refresh_token?: string;
            /** @description The role. */
            role: string | null;
            token_type: components["schemas"]["TokenType"];
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description The id or the e-mail address of a user, and the password. */
        LoginRequest: {
            /** @description The e-mail address. Send it or `user_id`. */
            email?: string | null;
            /**
             * Format: password
             * @description The password.
             */
            password: string;
            /** @description The user's id. Send it or `email`. */
            user_id?: string | null;
        } & ({
            email?: null;
            user_id: string;
        } | {
            email: string;
            user_id?: null;
        });
        /** @description An OpenAPI document. */
        OpenApiDocument: {
            info: Record<string, never>;
            openapi: string;
            paths: Record<string, never>;
        };
        /** @description The caller's sessions. */
        OwnSessions: {
            /** @description The sessions, the most recently used first. */
            sessions: components["schemas"]["Device"][];
            /**
             * Format: int64
             * @description The number of sessions.
             */
            total: number;
        };
        /** @description An error answer. */
        Problem: {
            code: components["schemas"]["ProblemCode"];
            /** @description What is wrong, as a text for people. Not stable. */
            detail: string;
            /**
             * @description The reason of the revocation. Only with `session_revoked`.
             * @enum {string}
             */
            reason?: "logout" | "logout_all" | "admin" | "evicted" | "refresh_reuse" | "password_change" | "suspended";
            /** @description The id under which the server's log has the cause. Only with `internal`. */
            request_id?: string;
        };
        /**
         * @description The stable code of the error.
         * @enum {string}
         */
        ProblemCode: "invalid_request" | "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked" | "invalid_credentials" | "account_inactive" | "insufficient_scope" | "insufficient_user_authentication" | "cross_site" | "not_found" | "method_not_allowed" | "request_timeout" | "session_limit" | "payload_too_large" | "unsupported_media_type" | "invalid_body" | "rate_limited" | "overloaded" | "store_unavailable" | "internal";
        /** @description The readiness of the service. */
        Readiness: {
            status: components["schemas"]["ReadinessStatus"];
        };
        /**
         * @description `ready`: the service can answer requests that need a session. `unavailable`: it cannot.
         * @enum {string}
         */
        ReadinessStatus: "ready" | "unavailable";
        /** @description The next tokens of a session. */
        Refreshed: {
            /** @description The JWT to send as `Authorization: Bearer`. */
            access_token: string;
            /**
             * Format: int64
             * @description The lifetime of the access token, in seconds.
             */
            expires_in: number;
            /** @description The token for the next refresh. Present only if refresh tokens travel in bodies. */
            refresh_token?: string;
            token_type: components["schemas"]["TokenType"];
        };
        /** @description One page of the sessions of all users. */
        SessionList: {
            /** @description The cursor of the next page; `null` on the last page. */
            next_cursor: string | null;
            /** @description The sessions, in no particular order. */
            sessions: components["schemas"]["ListedSession"][];
            /**
             * Format: int64
             * @description The number of sessions on this page. `/stats` returns the number of all sessions.
             */
            total: number;
        };
        /** @description The number of live sessions. */
        SessionStatistics: {
            /**
             * Format: date-time
             * @description When the count began.
             */
            as_of: string;
            /**
             * Format: int64
             * @description The average time until the idle deadline, in seconds.
             */
            average_ttl: number;
            /** @description The number of live sessions by role. Sessions without a role are under the empty name. */
            sessions_by_role: {
                [key: string]: number;
            };
            /**
             * Format: int64
             * @description The number of live sessions.
             */
            total_sessions: number;
        };
        /** @description The state of the session store. */
        StoreHealth: {
            /** @description Whether the store answered. A server that is not the primary counts as not connected. */
            connected: boolean;
            /** @description `memory`, `redis`, or the name that a custom store gives itself. */
            kind: string;
            /**
             * Format: double
             * @description The latency of the answer, in milliseconds.
             */
            latency_ms: number | null;
            /**
             * @description The problem: `unavailable`, `not_primary`, `write_refused` or another kind of store error.
             *     `null` if the store answers and accepts writes.
             */
            problem: string | null;
            /** @description The version of the server, if the store has a server and it answered. */
            version: string | null;
            /**
             * @description Whether the store answered and accepts writes. While it answers but accepts no writes,
             *     requests with live sessions pass, and logins are refused.
             */
            writable: boolean;
        };
        /**
         * @description How to send the access token.
         * @enum {string}
         */
        TokenType: "bearer";
        /** @description One session of a user, as administrators see it. */
        UserSession: {
            /**
             * Format: date-time
             * @description When the session was created.
             */
            created_at: string;
            /** @description The IP address that the login came from. */
            ip_address: string | null;
            /**
             * Format: date-time
             * @description When the session was last used.
             */
            last_activity: string;
            /** @description The role. */
            role: string | null;
            /** @description The session's public id. */
            session_id: string;
            /**
             * Format: int64
             * @description How long the session lives without further use, in seconds.
             */
            ttl: number;
            /** @description The user agent of the client at the login. */
            user_agent: string | null;
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description The sessions of one user. */
        UserSessions: {
            /** @description The sessions, the most recently used first. */
            sessions: components["schemas"]["UserSession"][];
            /**
             * Format: int64
             * @description The number of sessions.
             */
            total: number;
            /** @description The user's id. */
            user_id: string;
        };
        /**
         * @description The state of the background worker. The worker extends used sessions, delivers events and keeps
         *     the near cache coherent.
         * @enum {string}
         */
        WorkerHealth: "not_started" | "running" | "stopped" | "lost";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    api_auth_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session store answers. The status is `degraded` if the store accepts no writes or if the background worker does not run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cache": {
                     *         "coherent": true,
                     *         "entries": 1200,
                     *         "fills": 1650,
                     *         "hits": 98300,
                     *         "invalidations": 400,
                     *         "lag_ms": 0.2,
                     *         "lost_links": 0,
                     *         "misses": 1700,
                     *         "since_seconds": 61.5,
                     *         "stale_served": 0,
                     *         "state": "coherent"
                     *       },
                     *       "status": "healthy",
                     *       "store": {
                     *         "connected": true,
                     *         "kind": "redis",
                     *         "latency_ms": 0.2,
                     *         "problem": null,
                     *         "version": "7.0.15",
                     *         "writable": true
                     *       },
                     *       "worker": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description The session store does not answer, or its server is not the primary. */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cache": {
                     *         "coherent": false,
                     *         "entries": 1200,
                     *         "fills": 1650,
                     *         "hits": 98300,
                     *         "invalidations": 400,
                     *         "lag_ms": 0.2,
                     *         "lost_links": 0,
                     *         "misses": 1700,
                     *         "since_seconds": 61.5,
                     *         "stale_served": 0,
                     *         "state": "connecting"
                     *       },
                     *       "status": "degraded",
                     *       "store": {
                     *         "connected": false,
                     *         "kind": "redis",
                     *         "latency_ms": null,
                     *         "problem": "unavailable",
                     *         "version": null,
                     *         "writable": false
                     *       },
                     *       "worker": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    api_auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "password": "password123",
                 *       "user_id": "jeju"
                 *     }
                 */
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description The login succeeded. */
            200: {
                headers: {
                    /** @description Sets the cookies that carry tokens, and the device cookie. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln",
                     *       "email": "jeju@test.com",
                     *       "expires_in": 3600,
                     *       "role": "user",
                     *       "token_type": "bearer",
                     *       "user_id": "jeju",
                     *       "user_name": "Jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["LoggedIn"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Incorrect user id or password */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_credentials";
                    };
                };
            };
            /** @description Cross-site request refused */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "cross_site";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Too many sessions for this user */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "session_limit";
                    };
                };
            };
            /** @description Body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "payload_too_large";
                    };
                };
            };
            /** @description Expected application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "unsupported_media_type";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Too many attempts */
            429: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "rate_limited";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Too busy, try again; Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "overloaded" | "store_unavailable";
                    };
                };
            };
        };
    };
    api_auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is over. */
            200: {
                headers: {
                    /** @description Clears the cookies. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Successfully logged out"
                     *     }
                     */
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token";
                    };
                };
            };
            /** @description Cross-site request refused */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "cross_site";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_auth_logout_all: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions are revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deleted_count": 3,
                     *       "message": "Successfully logged out of 3 session(s)"
                     *     }
                     */
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_auth_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user data. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "email": "jeju@test.com",
                     *       "role": "user",
                     *       "user_id": "jeju",
                     *       "user_name": "Jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_auth_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The next tokens. */
            200: {
                headers: {
                    /** @description Sets the cookies that carry the next tokens. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln",
                     *       "expires_in": 3600,
                     *       "token_type": "bearer"
                     *     }
                     */
                    "application/json": components["schemas"]["Refreshed"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Session expired, please login again; Session was ended; Not authenticated; Could not validate credentials */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "session_expired" | "session_revoked" | "missing_token" | "invalid_token";
                    };
                };
            };
            /** @description Account is not active; Cross-site request refused */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "cross_site";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "payload_too_large";
                    };
                };
            };
            /** @description Expected application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "unsupported_media_type";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Too many attempts */
            429: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "rate_limited";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_auth_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions": [
                     *         {
                     *           "created_at": "2025-10-17T12:00:00Z",
                     *           "current": true,
                     *           "ip_address": "192.0.2.7",
                     *           "last_activity": "2025-10-17T12:34:00Z",
                     *           "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
                     *           "ttl": 3000,
                     *           "user_agent": "curl/8.5.0"
                     *         }
                     *       ],
                     *       "total": 1
                     *     }
                     */
                    "application/json": components["schemas"]["OwnSessions"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_auth_end_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's public id, as the lists of sessions return it. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Session ended"
                     *     }
                     */
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "not_found";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_data: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A greeting. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Hello, Jeju",
                     *       "role": "user",
                     *       "user_id": "jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["Data"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_openapi_json_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "info": {
                     *         "title": "",
                     *         "version": ""
                     *       },
                     *       "openapi": "3.1.0",
                     *       "paths": {}
                     *     }
                     */
                    "application/json": components["schemas"]["OpenApiDocument"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
        };
    };
    api_session_all: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the previous page. */
                cursor?: string;
                /** @description The largest number of sessions to return. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page of sessions. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "next_cursor": null,
                     *       "sessions": [
                     *         {
                     *           "last_activity": "2025-10-17T12:34:00Z",
                     *           "role": "user",
                     *           "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
                     *           "ttl": 3000,
                     *           "user_id": "jeju",
                     *           "user_name": "Jeju"
                     *         }
                     *       ],
                     *       "total": 1
                     *     }
                     */
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active; Not enough permissions */
            403: {
                headers: {
                    /** @description The challenge (RFC 6750), if a role is missing. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "insufficient_scope";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_cleanup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The expired sessions are freed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cleaned_count": 4,
                     *       "message": "Cleaned up 4 expired session(s)"
                     *     }
                     */
                    "application/json": components["schemas"]["Cleaned"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active; Not enough permissions */
            403: {
                headers: {
                    /** @description The challenge (RFC 6750), if a role is missing. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "insufficient_scope";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "created_at": "2025-10-17T12:00:00Z",
                     *       "email": "jeju@test.com",
                     *       "ip_address": "192.0.2.7",
                     *       "last_activity": "2025-10-17T12:34:00Z",
                     *       "role": "user",
                     *       "ttl": 3000,
                     *       "user_id": "jeju",
                     *       "user_name": "Jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["CurrentSession"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The idle time has restarted. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Session refreshed successfully"
                     *     }
                     */
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The statistics. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "as_of": "2025-10-17T12:34:00Z",
                     *       "average_ttl": 2800,
                     *       "sessions_by_role": {
                     *         "admin": 2,
                     *         "super_admin": 1,
                     *         "user": 7
                     *       },
                     *       "total_sessions": 10
                     *     }
                     */
                    "application/json": components["schemas"]["SessionStatistics"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active; Not enough permissions */
            403: {
                headers: {
                    /** @description The challenge (RFC 6750), if a role is missing. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "insufficient_scope";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_user_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's id, percent-decoded once: 1 to 256 bytes of UTF-8. It is never a pattern: every character stands for itself. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions": [
                     *         {
                     *           "created_at": "2025-10-17T12:00:00Z",
                     *           "ip_address": "192.0.2.7",
                     *           "last_activity": "2025-10-17T12:34:00Z",
                     *           "role": "user",
                     *           "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
                     *           "ttl": 3000,
                     *           "user_agent": "curl/8.5.0",
                     *           "user_id": "jeju",
                     *           "user_name": "Jeju"
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "user_id": "jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["UserSessions"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active; Not enough permissions */
            403: {
                headers: {
                    /** @description The challenge (RFC 6750), if a role is missing. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "insufficient_scope";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_end_user_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user's id, percent-decoded once: 1 to 256 bytes of UTF-8. It is never a pattern: every character stands for itself. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions are revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deleted_count": 2,
                     *       "message": "Successfully deleted 2 session(s) for user jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active; Not enough permissions */
            403: {
                headers: {
                    /** @description The challenge (RFC 6750), if a role is missing. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "insufficient_scope";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    api_session_end_user_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's public id, as the lists of sessions return it. */
                session_id: string;
                /** @description The user's id, percent-decoded once: 1 to 256 bytes of UTF-8. It is never a pattern: every character stands for itself. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Session ended"
                     *     }
                     */
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active; Not enough permissions */
            403: {
                headers: {
                    /** @description The challenge (RFC 6750), if a role is missing. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "insufficient_scope";
                    };
                };
            };
            /** @description Not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "not_found";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    auth_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session store answers. The status is `degraded` if the store accepts no writes or if the background worker does not run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cache": {
                     *         "coherent": true,
                     *         "entries": 1200,
                     *         "fills": 1650,
                     *         "hits": 98300,
                     *         "invalidations": 400,
                     *         "lag_ms": 0.2,
                     *         "lost_links": 0,
                     *         "misses": 1700,
                     *         "since_seconds": 61.5,
                     *         "stale_served": 0,
                     *         "state": "coherent"
                     *       },
                     *       "status": "healthy",
                     *       "store": {
                     *         "connected": true,
                     *         "kind": "redis",
                     *         "latency_ms": 0.2,
                     *         "problem": null,
                     *         "version": "7.0.15",
                     *         "writable": true
                     *       },
                     *       "worker": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description The session store does not answer, or its server is not the primary. */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cache": {
                     *         "coherent": false,
                     *         "entries": 1200,
                     *         "fills": 1650,
                     *         "hits": 98300,
                     *         "invalidations": 400,
                     *         "lag_ms": 0.2,
                     *         "lost_links": 0,
                     *         "misses": 1700,
                     *         "since_seconds": 61.5,
                     *         "stale_served": 0,
                     *         "state": "connecting"
                     *       },
                     *       "status": "degraded",
                     *       "store": {
                     *         "connected": false,
                     *         "kind": "redis",
                     *         "latency_ms": null,
                     *         "problem": "unavailable",
                     *         "version": null,
                     *         "writable": false
                     *       },
                     *       "worker": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "password": "password123",
                 *       "user_id": "jeju"
                 *     }
                 */
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description The login succeeded. */
            200: {
                headers: {
                    /** @description Sets the cookies that carry tokens, and the device cookie. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln",
                     *       "email": "jeju@test.com",
                     *       "expires_in": 3600,
                     *       "role": "user",
                     *       "token_type": "bearer",
                     *       "user_id": "jeju",
                     *       "user_name": "Jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["LoggedIn"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Incorrect user id or password */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_credentials";
                    };
                };
            };
            /** @description Cross-site request refused */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "cross_site";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Too many sessions for this user */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "session_limit";
                    };
                };
            };
            /** @description Body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "payload_too_large";
                    };
                };
            };
            /** @description Expected application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "unsupported_media_type";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Too many attempts */
            429: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "rate_limited";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Too busy, try again; Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "overloaded" | "store_unavailable";
                    };
                };
            };
        };
    };
    auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is over. */
            200: {
                headers: {
                    /** @description Clears the cookies. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Successfully logged out"
                     *     }
                     */
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token";
                    };
                };
            };
            /** @description Cross-site request refused */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "cross_site";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    auth_logout_all: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions are revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "deleted_count": 3,
                     *       "message": "Successfully logged out of 3 session(s)"
                     *     }
                     */
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    auth_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user data. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "email": "jeju@test.com",
                     *       "role": "user",
                     *       "user_id": "jeju",
                     *       "user_name": "Jeju"
                     *     }
                     */
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    auth_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The next tokens. */
            200: {
                headers: {
                    /** @description Sets the cookies that carry the next tokens. */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln",
                     *       "expires_in": 3600,
                     *       "token_type": "bearer"
                     *     }
                     */
                    "application/json": components["schemas"]["Refreshed"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Session expired, please login again; Session was ended; Not authenticated; Could not validate credentials */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "session_expired" | "session_revoked" | "missing_token" | "invalid_token";
                    };
                };
            };
            /** @description Account is not active; Cross-site request refused */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive" | "cross_site";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Body too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "payload_too_large";
                    };
                };
            };
            /** @description Expected application/json */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "unsupported_media_type";
                    };
                };
            };
            /** @description The request does not have the expected shape */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_body";
                    };
                };
            };
            /** @description Too many attempts */
            429: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "rate_limited";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    auth_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "sessions": [
                     *         {
                     *           "created_at": "2025-10-17T12:00:00Z",
                     *           "current": true,
                     *           "ip_address": "192.0.2.7",
                     *           "last_activity": "2025-10-17T12:34:00Z",
                     *           "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
                     *           "ttl": 3000,
                     *           "user_agent": "curl/8.5.0"
                     *         }
                     *       ],
                     *       "total": 1
                     *     }
                     */
                    "application/json": components["schemas"]["OwnSessions"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    auth_end_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The session's public id, as the lists of sessions return it. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "Session ended"
                     *     }
                     */
                    "application/json": components["schemas"]["Done"];
                };
            };
            /** @description Malformed request */
            400: {
                headers: {
                    /** @description The challenge (RFC 6750). */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "invalid_request";
                    };
                };
            };
            /** @description Not authenticated; Could not validate credentials; Token expired; Session expired, please login again; Session was ended */
            401: {
                headers: {
                    /** @description The challenge (RFC 6750). It has an `error` only if the request had a token. */
                    "WWW-Authenticate"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked";
                    };
                };
            };
            /** @description Account is not active */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "account_inactive";
                    };
                };
            };
            /** @description Not found */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "not_found";
                    };
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description Session store unavailable */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "store_unavailable";
                    };
                };
            };
        };
    };
    health_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session store answers. The status is `degraded` if the store accepts no writes or if the background worker does not run. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cache": {
                     *         "coherent": true,
                     *         "entries": 1200,
                     *         "fills": 1650,
                     *         "hits": 98300,
                     *         "invalidations": 400,
                     *         "lag_ms": 0.2,
                     *         "lost_links": 0,
                     *         "misses": 1700,
                     *         "since_seconds": 61.5,
                     *         "stale_served": 0,
                     *         "state": "coherent"
                     *       },
                     *       "status": "healthy",
                     *       "store": {
                     *         "connected": true,
                     *         "kind": "redis",
                     *         "latency_ms": 0.2,
                     *         "problem": null,
                     *         "version": "7.0.15",
                     *         "writable": true
                     *       },
                     *       "worker": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description The session store does not answer, or its server is not the primary. */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "cache": {
                     *         "coherent": false,
                     *         "entries": 1200,
                     *         "fills": 1650,
                     *         "hits": 98300,
                     *         "invalidations": 400,
                     *         "lag_ms": 0.2,
                     *         "lost_links": 0,
                     *         "misses": 1700,
                     *         "since_seconds": 61.5,
                     *         "stale_served": 0,
                     *         "state": "connecting"
                     *       },
                     *       "status": "degraded",
                     *       "store": {
                     *         "connected": false,
                     *         "kind": "redis",
                     *         "latency_ms": null,
                     *         "problem": "unavailable",
                     *         "version": null,
                     *         "writable": false
                     *       },
                     *       "worker": "running"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    health_live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The service runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "alive"
                     *     }
                     */
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
        };
    };
    health_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session store answers, or the service's failure policy can answer without it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ready"
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods of this path. */
                    Allow?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "method_not_allowed";
                    };
                };
            };
            /** @description Request timed out */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "request_timeout";
                    };
                };
            };
            /** @description Internal error */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"] & {
                        /** @enum {string} */
                        code?: "internal";
                    };
                };
            };
            /** @description The session store does not answer, or its server is not the primary. The service's failure policy cannot answer without it. */
            503: {
                headers: {
                    /** @description The seconds to wait before the next try. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "unavailable"
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
}
