# An application that counts its requests in a file, which its processes share.
run(lambda do |env|
  i = env["QUERY_STRING"][/i=(\d+)/, 1].to_i
  number = File.open("/tmp/count", File::RDWR | File::CREAT) do |file|
    file.flock(File::LOCK_EX)
    number = file.read.to_i + 1
    file.rewind
    file.write(number)
    number
  end
  [200, { "content-type" => "application/json" }, [%({"i": #{i}, "number": #{number}})]]
end)
