<?php
header('Content-Type: application/octet-stream');
header('X-Pid: ' . getmypid());
switch (strtok($_SERVER['REQUEST_URI'], '?')) {
    case '/mirror':
        echo file_get_contents('php://input');
        break;
    case '/bytes':
        $block = implode('', array_map('chr', range(0, 255)));
        for ($left = (int)$_GET['n']; $left > 0; $left -= 256) {
            echo substr($block, 0, $left);
        }
        break;
    case '/sleep':
        usleep(1000 * (int)$_GET['ms']);
        echo 'slept';
        break;
    default:
        echo getmypid();
}
