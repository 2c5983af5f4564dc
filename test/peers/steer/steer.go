// Package steer is how a test steers a peer: a JSON object a line on standard input, a JSON object a line on standard
// output. It owns the protocol and the clock; what the verbs do is the peer's.
package steer

import (
	"bufio"
	"encoding/json"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Request is one line of standard input.
type Request struct {
	// ID is repeated in the answer.
	ID   int    `json:"id"`
	Verb string `json:"verb"`
	// Name is the full name of the lock or election.
	Name string `json:"name"`
	// Value is what a candidate of an election says.
	Value string `json:"value"`
	// TTL is the time to live of a session, in seconds.
	TTL int `json:"ttl"`
	// Key is the key by which another client holds, and Revision its number.
	Key      string `json:"key"`
	Revision int64  `json:"revision,string"`
	// Limit is the number of permits of a semaphore, or of cycles.
	Limit int `json:"limit"`
	// Hold is how long each turn lasts, and For how long turns are taken, in milliseconds.
	Hold int `json:"hold"`
	For  int `json:"for"`
}

// Said is one line of standard output: the answer to a request, with its id, or an event, with its kind.
type Said map[string]any

var writing sync.Mutex

// Now is the time in milliseconds on the monotonic clock of this machine, which all of its processes share.
func Now() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return float64(now.Nano()) / 1e6
}

// Say writes one line.
func Say(said Said) {
	line, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	writing.Lock()
	defer writing.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

// Serve does what it reads until standard input ends. Requests run side by side, so that one that waits for a lock does
// not keep the others. An error of `do` is the answer to its request.
func Serve(do func(Request) (Said, error)) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		go func() {
			said, err := do(request)
			if said == nil {
				said = Said{}
			}
			if err != nil {
				said["error"] = err.Error()
			}
			said["id"] = request.ID
			Say(said)
		}()
	}
}

// Cycles does the same thing `times` times, and answers with how long each took, in milliseconds.
func Cycles(times int, cycle func() error) (Said, error) {
	took := make([]float64, 0, times)
	for range times {
		start := Now()
		if err := cycle(); err != nil {
			return nil, err
		}
		took = append(took, Now()-start)
	}
	return Said{"took": took}, nil
}
