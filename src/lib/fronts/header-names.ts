/**
 * The usual spelling of header names. HAProxy knows names in lower case only, and writes listed names as they are listed. So a
 * service that compares names case-sensitively sees what it would see without a front.
 */
const standard = `
A-IM Accept Accept-Additions Accept-CH Accept-Charset Accept-Datetime Accept-Encoding Accept-Features Accept-Language
Accept-Patch Accept-Post Accept-Ranges Access-Control-Allow-Credentials Access-Control-Allow-Headers
Access-Control-Allow-Methods Access-Control-Allow-Origin Access-Control-Allow-Private-Network Access-Control-Expose-Headers
Access-Control-Max-Age Access-Control-Request-Headers Access-Control-Request-Method Access-Control-Request-Private-Network
Age Allow ALPN Alt-Svc Alt-Used Authentication-Info Authorization Cache-Control Cache-Status CDN-Cache-Control CDN-Loop
Clear-Site-Data Close Connection Content-Digest Content-Disposition Content-Encoding Content-ID Content-Language
Content-Length Content-Location Content-MD5 Content-Range Content-Security-Policy Content-Security-Policy-Report-Only
Content-Type Cookie Cookie2 Critical-CH Cross-Origin-Embedder-Policy Cross-Origin-Embedder-Policy-Report-Only
Cross-Origin-Opener-Policy Cross-Origin-Opener-Policy-Report-Only Cross-Origin-Resource-Policy DASL Date DAV Deprecation
Depth Destination Device-Memory Digest DNT Downlink DPoP DPoP-Nonce DPR Early-Data ECT ETag Expect Expect-CT Expires
Forwarded From Front-End-Https Host HTTP2-Settings Idempotency-Key If If-Match If-Modified-Since If-None-Match If-Range
If-Unmodified-Since IM Keep-Alive Last-Event-ID Last-Modified Link Location Lock-Token Max-Forwards Memento-Datetime Meter
MIME-Version NEL Negotiate Observe-Browsing-Topics Ordering-Type Origin Origin-Agent-Cluster Overwrite P3P
Permissions-Policy Pragma Prefer Preference-Applied Priority Proxy-Authenticate Proxy-Authentication-Info
Proxy-Authorization Proxy-Connection Proxy-Status Public-Key-Pins Range Ratelimit-Limit Ratelimit-Remaining Ratelimit-Reset
Referer Referrer-Policy Refresh Repeatability-Request-ID Replay-Nonce Report-To Reporting-Endpoints Repr-Digest Retry-After
RTT Save-Data Schedule-Reply Schedule-Tag SOAPAction Sec-CH-UA Sec-CH-UA-Arch Sec-CH-UA-Bitness Sec-CH-UA-Full-Version
Sec-CH-UA-Full-Version-List Sec-CH-UA-Mobile Sec-CH-UA-Model Sec-CH-UA-Platform Sec-CH-UA-Platform-Version Sec-Fetch-Dest
Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC Sec-Purpose Sec-WebSocket-Accept Sec-WebSocket-Extensions
Sec-WebSocket-Key Sec-WebSocket-Protocol Sec-WebSocket-Version Server Server-Timing Service-Worker Service-Worker-Allowed
Service-Worker-Navigation-Preload Set-Cookie Set-Cookie2 Signature Signature-Input SLUG SourceMap Status-URI
Strict-Transport-Security Sunset Surrogate-Capability Surrogate-Control TCN TE Timeout Timing-Allow-Origin Tk Traceparent
Tracestate Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests URI User-Agent Vary Via Viewport-Width Want-Digest
Warning Width WWW-Authenticate`;

const customary = `
X-Accel-Buffering X-Accel-Charset X-Accel-Expires X-Accel-Limit-Rate X-Accel-Redirect X-Access-Token X-API-Key
X-API-Version X-ATT-DeviceId X-Auth-Request-Email X-Auth-Request-User X-Auth-Token X-B3-Flags X-B3-ParentSpanId
X-B3-Sampled X-B3-SpanId X-B3-TraceId X-Cache X-Cache-Hits X-Cache-Status X-Client-IP X-Clacks-Overhead
X-Content-Duration X-Content-Security-Policy X-Content-Type-Options X-Correlation-ID X-CSRF-Token X-CSRFToken
X-DNS-Prefetch-Control X-Debug-Token X-Debug-Token-Link X-Download-Options X-Firefox-Spdy X-Forwarded X-Forwarded-By
X-Forwarded-For X-Forwarded-Host X-Forwarded-Method X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Proto
X-Forwarded-Protocol X-Forwarded-Scheme X-Forwarded-Server X-Forwarded-Ssl X-Forwarded-Uri X-Forwarded-User
X-Frame-Options X-Generated-By X-Generator X-GitHub-Delivery X-GitHub-Event X-Gitlab-Event X-Gitlab-Token
X-HTTP-Method X-HTTP-Method-Override X-Hub-Signature X-Hub-Signature-256 X-Lambda-Id X-Litespeed-Cache
X-Method-Override X-Next-Page X-Original-Host X-Original-Method X-Original-URI X-Original-URL X-Page X-Per-Page
X-Permitted-Cross-Domain-Policies X-Pingback X-Powered-By X-Prev-Page X-Process-Time X-Proxy-User-Ip X-Query-Count
X-Queue-Start X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset X-Real-IP X-Redirect-By X-Remote-User X-Request-ID
X-Request-Start X-Requested-With X-Response-Time X-Rewrite-URL X-Robots-Tag X-Runtime X-Scheme X-Sendfile
X-Sendfile-Type X-Served-By X-Session-Token X-Signature X-SourceMap X-Token X-Total X-Total-Count X-Total-Pages
X-Trace-ID X-Turbo-Charged-By X-UA-Compatible X-UIDH X-User-Agent X-Varnish X-Version X-WebKit-CSP X-WP-Nonce
X-WP-Total X-WP-TotalPages X-XSRF-TOKEN X-XSS-Protection
HX-Boosted HX-Current-URL HX-History-Restore-Request HX-Location HX-Prompt HX-Push-Url HX-Redirect HX-Refresh
HX-Replace-Url HX-Request HX-Reswap HX-Retarget HX-Target HX-Trigger HX-Trigger-After-Settle HX-Trigger-After-Swap
HX-Trigger-Name Turbo-Frame Turbo-Visit Tus-Extension Tus-Max-Size Tus-Resumable Tus-Version Upload-Checksum
Upload-Complete Upload-Defer-Length Upload-Length Upload-Metadata Upload-Offset CF-Connecting-IP CF-IPCountry CF-Ray
CF-Visitor Fastly-Client-IP True-Client-IP Stripe-Signature Remote-Email Remote-Groups Remote-Name Remote-User`;

const usual: readonly string[] = `${standard} ${customary}`.trim().split(/\s+/);

/** Header names in the spelling to write, one for each name. If two differ only in case, the later one wins. */
export function writtenNames(own: readonly string[]): string[] {
  return [...new Map([...usual, ...own].map((name) => [name.toLowerCase(), name])).values()];
}
