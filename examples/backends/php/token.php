<?php
// A tenant's token endpoint in PHP. Each of the tenant's pages sends POST /stile/token, and gets a
// token of its own from the publisher's stile.
declare(strict_types=1);

header('Content-Type: application/json');
header('Cache-Control: no-store');
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || $_SERVER['REQUEST_URI'] !== '/stile/token') {
    respond(404, ['error' => 'Use POST /stile/token.']);
}
if (!same_origin()) {
    respond(403, ['error' => "Only pages of this site can get a token."]);
}

// Request a new token for each visitor. A token that is cached in APCu or a file would be bound to
// the first visitor, and die when the second uses it.
$request = curl_init(getenv('STILE_API') . '/oauth/token');
curl_setopt_array($request, [
    CURLOPT_POSTFIELDS => 'grant_type=client_credentials',
    // RFC 6749, section 2.3.1: both parts are form-encoded
    CURLOPT_USERPWD => urlencode(getenv('STILE_CLIENT_ID')) . ':' . urlencode(getenv('STILE_CLIENT_SECRET')),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 5,
]);
$fresh = json_decode((string) curl_exec($request), true);
if (!is_string($fresh['access_token'] ?? null)) {
    error_log("can't get a token from the publisher: " . ($fresh['error'] ?? curl_error($request)));
    respond(502, ['error' => 'The publisher does not provide tokens at the moment.']);
}
respond(200, ['access_token' => $fresh['access_token']]);

// same_origin reports whether a page of this site sent the request. Browsers always say so, and a
// page can't forge it, but a program can. Check your visitor's session here too, and limit the
// tokens of each visitor.
function same_origin(): bool
{
    $site = $_SERVER['HTTP_SEC_FETCH_SITE'] ?? '';
    if ($site !== '') {
        return $site === 'same-origin';
    }
    $host = $_SERVER['HTTP_HOST']; // for older browsers, and for plain HTTP
    return in_array($_SERVER['HTTP_ORIGIN'] ?? '', ["https://$host", "http://$host"], true);
}

function respond(int $status, array $body): never
{
    http_response_code($status);
    exit(json_encode($body));
}
