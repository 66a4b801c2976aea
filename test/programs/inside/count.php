<?php
// The number of requests in this session.
session_start();
header('Content-Type: text/plain');
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
echo $_SESSION['count'];
