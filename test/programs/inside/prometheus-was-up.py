"""Fails unless Prometheus has seen itself up each time that it looked."""

import json
import urllib.parse
import urllib.request

query = urllib.parse.urlencode({"query": 'min_over_time(up{job="prometheus"}[1h])'})
answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:9090/api/v1/query?{query}"))
(found,) = answer["data"]["result"]
assert found["value"][1] == "1", answer
