# Answers the requests of clients/counts.py over HTTP. The processes of the server share files of PStore, which lock them; each has a
# thread that replaces objects.
require "fileutils"
require "pstore"

SIZE = 20_000
FileUtils.mkdir_p("/tmp/sums")

def text_of(key, version) = "#{key}:#{version}:" * 20

things = (0...SIZE).to_h { |key| [key, [0, text_of(key, 0)]] }
lock = Mutex.new
ticks = 0

Thread.new do
  loop do
    sleep 0.1
    ticks += 1
    200.times do
      lock.synchronize do
        key = rand(SIZE)
        version = things[key].first + 1
        things[key] = [version, text_of(key, version)]
      end
    end
  end
end

add = lambda do |worker, more|
  store = PStore.new("/tmp/sums/#{worker}", true)
  store.transaction(more.zero?) { more.zero? ? store[:sum] : store[:sum] = store.fetch(:sum, 0) + more }
end

check = lambda do
  found = lock.synchronize { things.count { |key, (version, text)| text == text_of(key, version) } }
  found == SIZE ? "whole #{found}" : "#{found} of #{SIZE} are whole"
end

run(lambda do |env|
  _, what, worker = env["PATH_INFO"].split("/")
  answers = { "add" => -> { add.(worker, 1) }, "sum" => -> { add.(worker, 0) }, "check" => check, "ticks" => -> { ticks } }
  [200, { "content-type" => "text/plain" }, [answers.fetch(what).call.to_s]]
end)
