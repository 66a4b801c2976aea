// Answers the requests of clients/counts.py in lines. Thousands of goroutines wait for timers and replace objects.
package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const size = 20_000

type thing struct {
	version int
	text    string
}

var (
	mutex  sync.Mutex
	things = map[int]*thing{}
	sums   = map[string]int{}
	ticks  atomic.Int64
)

func textOf(key, version int) string {
	return strings.Repeat(fmt.Sprintf("%d:%d:", key, version), 20)
}

// Four objects for each of five thousand goroutines.
func replace(first int) {
	time.Sleep(time.Duration(first%1000) * time.Millisecond)
	for range time.Tick(time.Second) {
		for key := first; key < first+4; key++ {
			mutex.Lock()
			version := things[key].version + 1
			things[key] = &thing{version, textOf(key, version)}
			mutex.Unlock()
		}
	}
}

func check() string {
	mutex.Lock()
	defer mutex.Unlock()
	for key, one := range things {
		if one.text != textOf(key, one.version) {
			return fmt.Sprintf("object %d is %v", key, *one)
		}
	}
	return fmt.Sprintf("whole %d", len(things))
}

func answer(words []string) string {
	switch words[0] {
	case "check":
		return check()
	case "ticks":
		return fmt.Sprint(ticks.Load())
	}
	mutex.Lock()
	defer mutex.Unlock()
	if words[0] == "add" {
		sums[words[1]]++
	}
	return fmt.Sprint(sums[words[1]])
}

func serve(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		found := make(chan string)
		go func(text string) { found <- answer(strings.Fields(text)) }(lines.Text())
		select {
		case text := <-found:
			fmt.Fprintln(connection, text)
		case <-time.After(30 * time.Second):
			return
		}
	}
}

func main() {
	for key := 0; key < size; key++ {
		things[key] = &thing{0, textOf(key, 0)}
	}
	for first := 0; first < size; first += 4 {
		go replace(first)
	}
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			ticks.Add(1)
		}
	}()
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(connection)
	}
}
