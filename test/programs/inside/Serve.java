import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Answers the requests of clients/counts.py over HTTP. */
abstract class Serve {
    private final AtomicLong ticks = new AtomicLong();

    /** Adds one to the sum of a worker. */
    abstract long add(String worker) throws Exception;

    abstract long sum(String worker) throws Exception;

    /** Looks at each object. Returns how many there are. */
    abstract long check() throws Exception;

    void start() throws IOException {
        var server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", exchange -> {
            byte[] answer = answer(exchange.getRequestURI().getPath().split("/")).getBytes();
            exchange.sendResponseHeaders(200, answer.length);
            try (var body = exchange.getResponseBody()) {
                body.write(answer);
            }
        });
        Executors.newScheduledThreadPool(2).scheduleWithFixedDelay(ticks::incrementAndGet, 100, 100, TimeUnit.MILLISECONDS);
        server.start();
    }

    private String answer(String[] words) {
        try {
            return switch (words[1]) {
                case "add" -> "" + add(words[2]);
                case "sum" -> "" + sum(words[2]);
                case "check" -> "whole " + check();
                case "ticks" -> "" + ticks;
                default -> "what?";
            };
        } catch (Exception error) {
            return "wrong: " + error;
        }
    }
}
