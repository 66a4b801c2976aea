import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;

/** Keeps a map of objects, which threads replace all the time, so that the collector has to work. */
class Things extends Serve {
    record Thing(int key, long version, String text) {
        static Thing of(int key, long version) {
            return new Thing(key, version, textOf(key, version));
        }

        boolean isWhole() {
            return text.equals(textOf(key, version));
        }

        private static String textOf(int key, long version) {
            return (key + ":" + version + ":").repeat(20);
        }
    }

    private static final int size = 100_000;
    private final ConcurrentHashMap<Integer, Thing> things = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, AtomicLong> sums = new ConcurrentHashMap<>();

    @Override
    long add(String worker) {
        return sums.computeIfAbsent(worker, key -> new AtomicLong()).incrementAndGet();
    }

    @Override
    long sum(String worker) {
        return sums.get(worker).get();
    }

    @Override
    long check() {
        things.forEach((key, thing) -> {
            if (thing.key() != key || !thing.isWhole()) throw new IllegalStateException("object " + key + " is " + thing);
        });
        return things.size();
    }

    private void replace(int pause) {
        var random = ThreadLocalRandom.current();
        try {
            while (true) {
                for (int i = 0; i < 20; i++) {
                    things.computeIfPresent(random.nextInt(size), (key, thing) -> Thing.of(key, thing.version() + 1));
                }
                Thread.sleep(pause);
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    public static void main(String[] arguments) throws Exception {
        var server = new Things();
        for (int key = 0; key < size; key++) server.things.put(key, Thing.of(key, 0));
        for (int i = 0; i < 2; i++) Thread.ofPlatform().start(() -> server.replace(5));
        for (int i = 0; i < 200; i++) Thread.ofVirtual().start(() -> server.replace(1000));
        server.start();
    }
}
