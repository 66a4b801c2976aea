# Answers the requests of clients/counts.py in lines. It replaces objects between two requests.
size <- 5000
text_of <- function(key, version) strrep(paste0(key, ":", version, ":"), 20)
things <- lapply(seq_len(size), function(key) list(version = 0, text = text_of(key, 0)))
sums <- new.env()
ticks <- 0
fired <- Sys.time()

check <- function() {
  found <- sum(vapply(seq_len(size), function(key) things[[key]]$text == text_of(key, things[[key]]$version), TRUE))
  paste(if (found == size) "whole" else "only", found)
}

answer <- function(words) {
  if (words[1] == "check") return(check())
  if (words[1] == "ticks") return(ticks)
  worker <- words[2]
  sum <- if (exists(worker, sums)) get(worker, sums) else 0
  if (words[1] == "add") assign(worker, sum <- sum + 1, sums)
  sum
}

listener <- serverSocket(8080)
links <- list()
repeat {
  ready <- socketSelect(c(list(listener), links), timeout = 0.1)
  if (ready[1]) links <- c(links, list(socketAccept(listener, blocking = TRUE, open = "r+", timeout = 600)))
  for (at in which(ready[-1])) {
    line <- readLines(links[[at]], 1)
    if (length(line) == 0) {
      close(links[[at]])
      links <- links[-at]
      break
    }
    writeLines(format(answer(strsplit(line, " ")[[1]]), scientific = FALSE), links[[at]])
  }
  if (Sys.time() - fired >= 0.1) {
    fired <- Sys.time()
    ticks <- ticks + 1
    for (key in sample.int(size, 50)) {
      version <- things[[key]]$version + 1
      things[[key]] <- list(version = version, text = text_of(key, version))
    }
  }
}
