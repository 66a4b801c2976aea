;;; Answers the requests of clients/counts.py in lines, with a thread for each connection and two that replace objects.
(require :sb-bsd-sockets)

(defconstant +size+ 20000)
(defvar *lock* (sb-thread:make-mutex))
(defvar *things* (make-hash-table))
(defvar *sums* (make-hash-table :test #'equal))
(defvar *ticks* 0)

(defstruct thing version text)

(defun text-of (key version)
  (with-output-to-string (text)
    (dotimes (i 20) (format text "~d:~d:" key version))))

(defun put (key version)
  (setf (gethash key *things*) (make-thing :version version :text (text-of key version))))

(defun replace-things (pause count)
  (loop
    (sleep pause)
    (dotimes (i count)
      (sb-thread:with-mutex (*lock*)
        (let ((key (random +size+)))
          (put key (1+ (thing-version (gethash key *things*)))))))))

(defun check ()
  (let ((found 0))
    (maphash (lambda (key thing)
               (when (string= (thing-text thing) (text-of key (thing-version thing))) (incf found)))
             *things*)
    (format nil "~:[only ~;whole ~]~d" (= found +size+) found)))

(defun answer (line)
  (sb-thread:with-mutex (*lock*)
    (cond ((string= line "check") (check))
          ((string= line "ticks") *ticks*)
          (t (incf (gethash (subseq line 4) *sums* 0) (if (string= (subseq line 0 3) "add") 1 0))))))

(defun serve (socket)
  (let ((stream (sb-bsd-sockets:socket-make-stream socket :input t :output t)))
    (handler-case
        (loop for line = (read-line stream nil)
              while line
              do (format stream "~a~%" (answer line))
                 (finish-output stream))
      (stream-error ()))
    (ignore-errors (close stream))))

(defun run (function &rest arguments)
  (sb-thread:make-thread function :arguments arguments))

(dotimes (key +size+) (put key 0))
(run #'replace-things 0.1 100)
(run #'replace-things 0.05 50)
(run (lambda () (loop (sleep 0.1) (incf *ticks*))))
(let ((listener (make-instance 'sb-bsd-sockets:inet-socket :type :stream :protocol :tcp)))
  (setf (sb-bsd-sockets:sockopt-reuse-address listener) t)
  (sb-bsd-sockets:socket-bind listener #(0 0 0 0) 8080)
  (sb-bsd-sockets:socket-listen listener 16)
  (loop (run #'serve (sb-bsd-sockets:socket-accept listener))))
