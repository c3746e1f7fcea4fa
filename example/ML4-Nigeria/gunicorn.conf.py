bind = "0.0.0.0:5000"
threads = 16
graceful_timeout = 30
keepalive = 5
accesslog = "-"
worker_tmp_dir = "/dev/shm"
