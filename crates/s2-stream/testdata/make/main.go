// Writes the streams in testdata with the Go implementation of S2, and reads streams of ours with it, which
// `cargo run --example pack` writes:
//
//	go mod init make && go get github.com/klauspost/compress && go run . write ..
//	cargo run --example pack packed < PLAIN > FILE && go run . read FILE < PLAIN
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/s2"
)

// The same bytes as the test makes: lines of a busy route, zeros, noise.
func plain() []byte {
	var out bytes.Buffer
	state := uint32(1)
	next := func() uint32 {
		state = state*1664525 + 1013904223
		return state >> 8
	}
	for out.Len() < 80_000 {
		switch next() % 8 {
		case 0:
			out.Write(make([]byte, next()%3000))
		case 1:
			for n := next() % 300; n > 0; n-- {
				out.WriteByte(byte(next()))
			}
		default:
			n := next()
			fmt.Fprintf(&out, "RMSG A orders.%d.new _INBOX.%06d 26\r\n{\"id\":%08d,\"open\":true}\r\n", n%97, n%1000003, n)
		}
	}
	return out.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func write(dir, name string, flushEach int, opts ...s2.WriterOption) {
	var out bytes.Buffer
	w := s2.NewWriter(&out, append(opts, s2.WriterConcurrency(1))...)
	for rest := plain(); len(rest) > 0; {
		n := min(flushEach, len(rest))
		_, err := w.Write(rest[:n])
		must(err)
		must(w.Flush())
		if flushEach < len(plain()) {
			// As nats-server does it at each flush: a stream anew.
			must(w.Close())
			w.Reset(&out)
		}
		rest = rest[n:]
	}
	must(w.Close())
	must(os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o644))
	fmt.Println(name, out.Len())
}

func main() {
	if os.Args[1] == "read" {
		file, err := os.Open(os.Args[2])
		must(err)
		read, err := io.ReadAll(s2.NewReader(file))
		must(err)
		want, err := io.ReadAll(os.Stdin)
		must(err)
		if !bytes.Equal(read, want) {
			panic("not the same")
		}
		fmt.Println("the same", len(read))
		return
	}
	dir, all := os.Args[2], 1<<30
	write(dir, "fast.s2", all)
	write(dir, "better.s2", all, s2.WriterBetterCompression())
	write(dir, "best.s2", all, s2.WriterBestCompression())
	write(dir, "flushed.s2", 5000)
	write(dir, "padded.s2", all, s2.WriterPadding(4096), s2.WriterAddIndex())
	write(dir, "snappy.sz", all, s2.WriterSnappyCompat())
}
