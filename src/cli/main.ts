process.stdout.write("godwit\n");
