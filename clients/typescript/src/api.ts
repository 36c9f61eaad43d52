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
         * Whether the service is ready
         * @description Asks the session store.
         */
        get: operations["api_auth_ready"];
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
         * Opens a session
         * @description By user id or by e-mail address. A user who is unknown, has another password, or is not active is one answer. After too many of those, for a user or from an address, nobody looks at passwords for a while. Where the server is set up so, a login while the session store is away gets a token that no session stands behind, good for some routes until the store answers.
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
         * Ends the session of the token
         * @description Of an access token, also one that has expired, of a refresh token, or of both. A session that is gone is logged out: 200. It takes the cookies back, also with 400 and 401, unless the session store is away. A body that holds no refresh token is as good as none.
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
         * Ends all sessions of the caller
         * @description In one step. A login that is under way does not survive it.
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
         * Who the caller is
         * @description As the user directory has them now.
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
         * Exchanges a refresh token for the next tokens
         * @description Never beyond the session's absolute lifetime. A token that was exchanged before gets the same successor for some seconds, as after a lost answer; afterwards it is taken for stolen, and ends the session. A refusal leaves the cookie alone. Of several cookies of the name the latest login counts; of different users none.
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
         * The caller's sessions
         * @description One for each device that is logged in, the latest used first.
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
         * Ends one of the caller's sessions
         * @description Another user's session is not found.
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
         * This document
         * @description OpenAPI 3.1, as JSON.
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
         * Everybody's sessions
         * @description Page by page. A session that lives from the first page to the last is on one of them at least.
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
         * Frees expired sessions
         * @description Nothing depends on it: what has expired lets nobody in, and is freed by and by.
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
         * The caller's session
         * @description As the store has it now.
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
         * Lets the idle time start anew
         * @description Never beyond the session's absolute lifetime.
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
         * How many sessions there are
         * @description From a count that began 60 seconds ago at most.
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
         * One user's sessions
         * @description The latest used first.
         */
        get: operations["api_session_user_sessions"];
        put?: never;
        post?: never;
        /**
         * Ends all of one user's sessions
         * @description In one step. A login that is under way does not survive it.
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
         * Ends one of a user's sessions
         * @description The user's other sessions stay.
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
         * Whether the service is ready
         * @description Asks the session store.
         */
        get: operations["auth_ready"];
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
         * Opens a session
         * @description By user id or by e-mail address. A user who is unknown, has another password, or is not active is one answer. After too many of those, for a user or from an address, nobody looks at passwords for a while. Where the server is set up so, a login while the session store is away gets a token that no session stands behind, good for some routes until the store answers.
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
         * Ends the session of the token
         * @description Of an access token, also one that has expired, of a refresh token, or of both. A session that is gone is logged out: 200. It takes the cookies back, also with 400 and 401, unless the session store is away. A body that holds no refresh token is as good as none.
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
         * Ends all sessions of the caller
         * @description In one step. A login that is under way does not survive it.
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
         * Who the caller is
         * @description As the user directory has them now.
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
         * Exchanges a refresh token for the next tokens
         * @description Never beyond the session's absolute lifetime. A token that was exchanged before gets the same successor for some seconds, as after a lost answer; afterwards it is taken for stolen, and ends the session. A refusal leaves the cookie alone. Of several cookies of the name the latest login counts; of different users none.
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
         * The caller's sessions
         * @description One for each device that is logged in, the latest used first.
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
         * Ends one of the caller's sessions
         * @description Another user's session is not found.
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
         * Whether the service is ready
         * @description Asks the session store.
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
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the service runs
         * @description Asks nobody.
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
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Who the caller is. */
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
        /** @description How the near cache of this process is. Counts are since its start. */
        CacheHealth: {
            /**
             * @description Whether what is answered is what the store says: without asking it for each request, or, where the cache is off or
             *     refused, by asking it.
             */
            coherent: boolean;
            /** @description Tokens that it knows something about. */
            entries: number;
            /**
             * Format: int64
             * @description Answers read to be kept.
             */
            fills: number;
            /**
             * Format: int64
             * @description Requests answered without asking the store.
             */
            hits: number;
            /**
             * Format: int64
             * @description Changes that the store told of.
             */
            invalidations: number;
            /**
             * Format: double
             * @description How long the last change of its own key took to be known here, in milliseconds.
             */
            lag_ms: number | null;
            /**
             * Format: int64
             * @description Connections that told of changes, and were lost.
             */
            lost_links: number;
            /**
             * Format: int64
             * @description Requests that asked it.
             */
            misses: number;
            /**
             * Format: double
             * @description For how long it has been in this state, in seconds.
             */
            since_seconds: number;
            /**
             * Format: int64
             * @description Requests let in with what was known before the store went away.
             */
            stale_served: number;
            /** @description Off; refused by the server; connecting, so that each request asks the store; or coherent. */
            state: components["schemas"]["CacheState"];
        };
        /**
         * @description The near cache, in one word.
         * @enum {string}
         */
        CacheState: "off" | "refused" | "connecting" | "coherent";
        /** @description How many expired sessions were freed. */
        Cleaned: {
            /**
             * Format: int64
             * @description How many expired sessions were freed.
             */
            cleaned_count: number;
            /** @description What was done, for a person. */
            message: string;
        };
        /** @description The caller's session. */
        CurrentSession: {
            /**
             * Format: date-time
             * @description When the session began.
             */
            created_at: string;
            /** @description The e-mail address. */
            email: string | null;
            /** @description Where the login came from. */
            ip_address: string | null;
            /**
             * Format: date-time
             * @description When it was last used.
             */
            last_activity: string;
            /** @description The role. */
            role: string | null;
            /**
             * Format: int64
             * @description How long it lives unless it is used, in seconds.
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
        /** @description How many sessions were ended. */
        Deleted: {
            /**
             * Format: int64
             * @description How many sessions were ended.
             */
            deleted_count: number;
            /** @description What was done, for a person. */
            message: string;
        };
        /** @description One of the caller's sessions. */
        Device: {
            /**
             * Format: date-time
             * @description When the session began.
             */
            created_at: string;
            /** @description Whether it is the session of this very request. */
            current: boolean;
            /** @description Where the login came from. */
            ip_address: string | null;
            /**
             * Format: date-time
             * @description When it was last used.
             */
            last_activity: string;
            /** @description The session's public name. */
            session_id: string;
            /**
             * Format: int64
             * @description How long it lives unless it is used, in seconds.
             */
            ttl: number;
            /** @description What the client called itself at the login. */
            user_agent: string | null;
        };
        /** @description What was done. */
        Done: {
            /** @description What was done, for a person. */
            message: string;
        };
        /**
         * @description How the service is, in one word.
         * @enum {string}
         */
        HealthStatus: "healthy" | "degraded";
        /** @description A session among all. */
        ListedSession: {
            /**
             * Format: date-time
             * @description When it was last used.
             */
            last_activity: string;
            /** @description The role. */
            role: string | null;
            /** @description The session's public name. */
            session_id: string;
            /**
             * Format: int64
             * @description How long it lives unless it is used, in seconds.
             */
            ttl: number;
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description That the service runs. */
        Liveness: {
            status: components["schemas"]["LivenessStatus"];
        };
        /**
         * @description That the service runs, in one word.
         * @enum {string}
         */
        LivenessStatus: "alive";
        /** @description A login that succeeded. */
        LoggedIn: {
            /** @description The JWT to send as `Authorization: Bearer`. */
            access_token: string;
            /** @description The e-mail address. */
            email: string | null;
            /**
             * Format: int64
             * @description How long the token lives, in seconds.
             */
            expires_in: number;
            /** @description What the next refresh is to send: only where refresh tokens travel in bodies. */
            refresh_token?: string;
            /** @description The role. */
            role: string | null;
            token_type: components["schemas"]["TokenType"];
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description A user, by id or by e-mail address, and a password. */
        LoginRequest: {
            /** @description The e-mail address; or the user's id. */
            email?: string | null;
            /**
             * Format: password
             * @description The password.
             */
            password: string;
            /** @description The user's id; or the e-mail address. */
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
            /** @description The sessions, the latest used first. */
            sessions: components["schemas"]["Device"][];
            /**
             * Format: int64
             * @description How many there are.
             */
            total: number;
        };
        /** @description What went wrong. */
        Problem: {
            code: components["schemas"]["ProblemCode"];
            /** @description What is wrong, for a person. Not stable. */
            detail: string;
            /**
             * @description Why the session was ended: only with `session_revoked`.
             * @enum {string}
             */
            reason?: "logout" | "logout_all" | "admin" | "evicted" | "refresh_reuse" | "password_change" | "suspended";
            /** @description Finds the cause in the server's log: only with `internal`. */
            request_id?: string;
        };
        /**
         * @description Says in stable words what is wrong.
         * @enum {string}
         */
        ProblemCode: "invalid_request" | "missing_token" | "invalid_token" | "token_expired" | "session_expired" | "session_revoked" | "invalid_credentials" | "account_inactive" | "insufficient_scope" | "insufficient_user_authentication" | "cross_site" | "not_found" | "method_not_allowed" | "request_timeout" | "session_limit" | "payload_too_large" | "unsupported_media_type" | "invalid_body" | "rate_limited" | "overloaded" | "store_unavailable" | "internal";
        /** @description How the service is. */
        Readiness: {
            cache: components["schemas"]["CacheHealth"];
            status: components["schemas"]["HealthStatus"];
            store: components["schemas"]["StoreHealth"];
            worker: components["schemas"]["WorkerHealth"];
        };
        /** @description The next tokens of a session. */
        Refreshed: {
            /** @description The JWT to send as `Authorization: Bearer`. */
            access_token: string;
            /**
             * Format: int64
             * @description How long the token lives, in seconds.
             */
            expires_in: number;
            /** @description What the next refresh is to send: only where refresh tokens travel in bodies. */
            refresh_token?: string;
            token_type: components["schemas"]["TokenType"];
        };
        /** @description Some of all sessions. */
        SessionList: {
            /** @description Where the list goes on; `null` at its end. */
            next_cursor: string | null;
            /** @description The sessions, in no particular order. */
            sessions: components["schemas"]["ListedSession"][];
            /**
             * Format: int64
             * @description How many this answer has; `/stats` has the whole count.
             */
            total: number;
        };
        /** @description How many sessions there are. */
        SessionStatistics: {
            /**
             * Format: date-time
             * @description When they were counted.
             */
            as_of: string;
            /**
             * Format: int64
             * @description How long they live on average unless they are used, in seconds.
             */
            average_ttl: number;
            /** @description Living sessions by role; those without a role are under the empty name. */
            sessions_by_role: {
                [key: string]: number;
            };
            /**
             * Format: int64
             * @description Living sessions.
             */
            total_sessions: number;
        };
        /** @description How the session store is. */
        StoreHealth: {
            /** @description Whether it answered. A server that is not the primary counts as not connected. */
            connected: boolean;
            /** @description `memory`, `redis`, or what another store calls itself. */
            kind: string;
            /**
             * Format: double
             * @description How long the answer took, in milliseconds.
             */
            latency_ms: number | null;
            /**
             * @description What is wrong with it: `unavailable`, `not_primary`, `write_refused` or another kind of store error; `null` for a
             *     store that answers and takes writes.
             */
            problem: string | null;
            /** @description The server's version, where there is a server that answered. */
            version: string | null;
            /** @description Whether it answered and takes writes. If not, living sessions are served, and logins are refused. */
            writable: boolean;
        };
        /**
         * @description How the token is to be sent.
         * @enum {string}
         */
        TokenType: "bearer";
        /** @description One session of a user, as an administrator sees it. */
        UserSession: {
            /**
             * Format: date-time
             * @description When the session began.
             */
            created_at: string;
            /** @description Where the login came from. */
            ip_address: string | null;
            /**
             * Format: date-time
             * @description When it was last used.
             */
            last_activity: string;
            /** @description The role. */
            role: string | null;
            /** @description The session's public name. */
            session_id: string;
            /**
             * Format: int64
             * @description How long it lives unless it is used, in seconds.
             */
            ttl: number;
            /** @description What the client called itself at the login. */
            user_agent: string | null;
            /** @description The user's id. */
            user_id: string;
            /** @description The display name. */
            user_name: string | null;
        };
        /** @description One user's sessions. */
        UserSessions: {
            /** @description The sessions, the latest used first. */
            sessions: components["schemas"]["UserSession"][];
            /**
             * Format: int64
             * @description How many there are.
             */
            total: number;
            /** @description The user's id. */
            user_id: string;
        };
        /**
         * @description The background worker, which extends sessions that are used, delivers events and keeps the near cache coherent.
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
    api_auth_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. Degraded, if the session store answers and takes no writes. */
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
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods that this path has. */
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
            /** @description The session store does not answer, or is not the primary. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
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
                    "application/json": components["schemas"]["Readiness"];
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
            /** @description The session is open. */
            200: {
                headers: {
                    /** @description Set the cookies that carry tokens, and the device cookie. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description The session has ended. */
            200: {
                headers: {
                    /** @description Take the cookies back. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description They have ended. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description The caller. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The next cookies. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                /** @description The session's public name, from the list. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The methods that this path has. */
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
                /** @description Where to go on: the `next_cursor` of the page before. */
                cursor?: string;
                /** @description How many sessions at most. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description They are freed. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description It started anew. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description The numbers. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                /** @description One literal user: percent-decoded once, no byte of it means anything else. 256 bytes of UTF-8 at most. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                /** @description One literal user: percent-decoded once, no byte of it means anything else. 256 bytes of UTF-8 at most. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They have ended. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                /** @description The session's public name, from the list. */
                session_id: string;
                /** @description One literal user: percent-decoded once, no byte of it means anything else. 256 bytes of UTF-8 at most. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
    auth_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. Degraded, if the session store answers and takes no writes. */
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
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods that this path has. */
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
            /** @description The session store does not answer, or is not the primary. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
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
                    "application/json": components["schemas"]["Readiness"];
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
            /** @description The session is open. */
            200: {
                headers: {
                    /** @description Set the cookies that carry tokens, and the device cookie. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description The session has ended. */
            200: {
                headers: {
                    /** @description Take the cookies back. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description They have ended. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
            /** @description The caller. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The next cookies. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description After how many seconds to try again. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
                /** @description The session's public name, from the list. */
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended. */
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
                    /** @description The challenge (RFC 6750): with `error` only if a token was shown. */
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
                    /** @description The methods that this path has. */
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
                    /** @description After how many seconds to try again. */
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
    health_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. Degraded, if the session store answers and takes no writes. */
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
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description Method not allowed */
            405: {
                headers: {
                    /** @description The methods that this path has. */
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
            /** @description The session store does not answer, or is not the primary. */
            503: {
                headers: {
                    /** @description After how many seconds to try again. */
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
                    "application/json": components["schemas"]["Readiness"];
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
            /** @description It runs. */
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
                    /** @description The methods that this path has. */
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
}
