; GNU CLISP with its FastCGI module, on libfcgi.
(require "fastcgi")
(defun starts (prefix s) (let ((i (mismatch prefix s))) (or (null i) (= i (length prefix)))))
(defun value (uri) (let ((i (position #\= uri))) (if i (parse-integer uri :start (1+ i)) 0)))
(defvar *crlf* (coerce '(#\Return #\Newline) 'string))

(loop while (fastcgi:accept) do
  (let* ((uri (or (fastcgi:getenv "REQUEST_URI") "/"))
         (body (cond ((starts "/mirror" uri) (fastcgi:slurp-stdin))
                     ((starts "/sleep" uri) (sleep (/ (value uri) 1000)) "slept")
                     (t (format nil "~D" (os:process-id))))))
    (fastcgi:out "Content-Type: application/octet-stream" *crlf* (format nil "X-Pid: ~D" (os:process-id)) *crlf* *crlf* body)
    (fastcgi:finish)))
