<?php
if (isset($_GET['hog'])) {
	ini_set('memory_limit', '-1');
	$hog = str_repeat('x', (int) $_GET['hog']);
}
usleep(5000);
echo "pid ", getmypid(), "\n";
