<?php
// A tenant's token endpoint in PHP: the tenant's pages POST to /stile/token,
// and get a token of their own from the publisher's stile.
declare(strict_types=1);

header('Content-Type: application/json');
header('Cache-Control: no-store');
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || $_SERVER['REQUEST_URI'] !== '/stile/token') {
    answer(404, ['error' => 'Only POST /stile/token is here.']);
}
if (!same_origin()) {
    answer(403, ['error' => "Only this site's own pages get a token here."]);
}

// Each visitor gets a token of its own. One kept in APCu, a file or a session
// would be bound to the first who uses it, and die with the second.
$request = curl_init(getenv('STILE_API') . '/oauth/token');
curl_setopt_array($request, [
    CURLOPT_POSTFIELDS => 'grant_type=client_credentials',
    // RFC 6749, 2.3.1: both halves are encoded as in a form
    CURLOPT_USERPWD => urlencode(getenv('STILE_CLIENT_ID')) . ':' . urlencode(getenv('STILE_CLIENT_SECRET')),
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 5,
]);
$fresh = json_decode((string) curl_exec($request), true);
if (!is_string($fresh['access_token'] ?? null)) {
    error_log('no token from the publisher: ' . ($fresh['error'] ?? curl_error($request)));
    answer(502, ['error' => 'The publisher gives no token at the moment.']);
}
answer(200, ['access_token' => $fresh['access_token']]);

// same_origin says that a page of this very site asks. Every browser says so,
// and no page can lie. Programs can: check your visitor's session here too, and
// limit how many tokens one gets.
function same_origin(): bool
{
    $site = $_SERVER['HTTP_SEC_FETCH_SITE'] ?? '';
    if ($site !== '') {
        return $site === 'same-origin';
    }
    $host = $_SERVER['HTTP_HOST']; // what is left for older browsers, and for plain http
    return in_array($_SERVER['HTTP_ORIGIN'] ?? '', ["https://$host", "http://$host"], true);
}

function answer(int $status, array $body): never
{
    http_response_code($status);
    exit(json_encode($body));
}
