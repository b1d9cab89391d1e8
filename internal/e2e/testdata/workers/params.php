<?php // tells what it was sent, in the shape of worker-params
$body = file_get_contents('php://input');
$params = [];
foreach ($_SERVER as $name => $value) {
    if (is_string($value)) {
        $params[] = [base64_encode($name), base64_encode($value)];
    }
}
$text = json_encode(['Params' => $params, 'Bytes' => strlen($body), 'Sum' => base64_encode(hash('sha256', $body, true))]);
header('Content-Type: application/json');
header('X-Pid: ' . getmypid());
if ($_SERVER['REQUEST_METHOD'] === 'HEAD') {
    header('X-Seen: ' . base64_encode($text));
} else {
    echo $text;
}
