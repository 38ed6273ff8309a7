package memory

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dealgate/dealgate/queue"
)

func policy() queue.Policy {
	return queue.Policy{
		Rate: 50, Burst: 50, Capacity: 1000, SessionTTL: 10 * time.Minute, ReturnWithin: 10 * time.Minute,
		Lanes: []queue.Lane{{Name: "public", Weight: 1}},
	}
}

func join(t testing.TB, e *Engine, p queue.Policy, n int) queue.Joined {
	t.Helper()
	r, err := e.Step(t.Context(), &queue.Step{Room: "spring", Policy: p, Joins: []queue.Join{{Lane: "public", N: n}}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Joins[0]
}

func syncRoom(t testing.TB, e *Engine, p queue.Policy) *queue.View {
	t.Helper()
	s := &queue.Sync{Room: "spring", Policy: p}
	e.mu.Lock()
	if r := e.rooms["spring"]; r != nil {
		s.Presence = r.presence
	}
	e.mu.Unlock()
	v, err := e.Sync(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCleanEndSkipsNoPlace: only a crash leaves a gap.
func TestCleanEndSkipsNoPlace(t *testing.T) {
	folder := t.TempDir()
	for i := range int64(4) {
		e := open(t, folder)
		if j := join(t, e, policy(), 1); j.First != i+1 {
			t.Errorf("place %d, want %d", j.First, i+1)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Sync(t.Context(), &queue.Sync{Room: "spring", Policy: policy()}); !errors.Is(err, queue.ErrAway) {
			t.Errorf("a closed engine answers %v", err)
		}
	}
}

// TestFolderInUse: two engines never share a folder.
func TestFolderInUse(t *testing.T) {
	folder := t.TempDir()
	e := open(t, folder)
	join(t, e, policy(), 100)
	if _, err := New(Options{Path: folder}); err == nil || !strings.Contains(err.Error(), folder+" is in use") {
		t.Errorf("a second engine: %v", err)
	}
	if j := join(t, e, policy(), 1); j.First != 101 {
		t.Errorf("place %d after that, want 101", j.First)
	}
}

// TestFolderCannotBeWritten names the folder.
func TestFolderCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{file, filepath.Join(file, "below"), "/proc/nothing"} {
		if _, err := New(Options{Path: folder}); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

// TestUnsoundJournalIsLeftAsItIs: whatever lies there, it is named, and not touched.
func TestUnsoundJournalIsLeftAsItIs(t *testing.T) {
	good := t.TempDir()
	e := open(t, good)
	for range 50 {
		join(t, e, policy(), 20)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(filepath.Join(good, "queue.db"))
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, data []byte) {
		t.Helper()
		folder := t.TempDir()
		path := filepath.Join(folder, "queue.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if e, err := New(Options{Path: folder}); err == nil {
			e.Close()
			t.Errorf("%s: opened", name)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v does not name the file", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(data) {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
	f("a text", []byte(strings.Repeat("this is no database\n", 500)))
	f("half a file", sound[:len(sound)/2])
	f("a page of zeros", append(append(sound[:4096:4096], make([]byte, 4096)...), sound[8192:]...))
	f("another's database", []byte(strings.Replace(string(sound), "dgat", "abcd", 1)))
	f("a later version", []byte(string(sound[:60])+"\x00\x00\x00\x63"+string(sound[64:])))
}

// TestDiskFull: what could not be written did not happen, and is tried again.
func TestDiskFull(t *testing.T) {
	e := open(t, t.TempDir())
	join(t, e, policy(), 1)
	if _, err := e.journal.db.Exec(`PRAGMA max_page_count = 1`); err != nil {
		t.Fatal(err)
	}
	failed := false
	for range 200 {
		_, err := e.Step(t.Context(), &queue.Step{Room: "spring", Policy: policy(), Joins: []queue.Join{{Lane: "public", N: 50}}})
		if failed = err != nil; failed {
			if !errors.Is(err, queue.ErrAway) || !strings.Contains(err.Error(), e.journal.path) {
				t.Errorf("a full disk: %v", err)
			}
			break
		}
		if _, err := e.Control(t.Context(), &queue.Control{Room: strings.Repeat("x", 2000) + time.Now().String(), Policy: policy()}); err != nil {
			failed = true
			break
		}
	}
	if !failed {
		t.Fatal("nothing failed on a full disk")
	}
	if _, err := e.journal.db.Exec(`PRAGMA max_page_count = 100000`); err != nil {
		t.Fatal(err)
	}
	tail := syncRoom(t, e, policy()).Lanes[0].Tail
	e.crash(t)
	if j := join(t, open(t, filepath.Dir(e.journal.path)), policy(), 1); j.First <= tail {
		t.Errorf("place %d is given, and the tail was %d", j.First, tail)
	}
}

// TestCallsAreInOrder reads the invitations back while the engine runs.
func TestCallsAreInOrder(t *testing.T) {
	folder := t.TempDir()
	e := open(t, folder)
	p := policy()
	p.Capacity = 20
	join(t, e, p, 20)
	join(t, e, p, 500)
	p.Capacity = 1000
	syncRoom(t, e, p)
	calls, err := Calls(folder)
	if err != nil {
		t.Fatal(err)
	}
	head := syncRoom(t, e, p).Lanes[0].Head
	if len(calls) == 0 || int64(len(calls)) != head-20 {
		t.Fatalf("%d calls, and the head is %d", len(calls), head)
	}
	for i, c := range calls {
		if c.Place != int64(21+i) || c.Room != "spring" || c.Lane != "public" || time.Since(c.At) > time.Minute {
			t.Fatalf("call %d is %+v", i, c)
		}
	}
}

// TestKilled has a process die at any instant, several times, and checks that
// all it had said still holds.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	last, claimed := int64(0), map[int64]string{}
	for round := range 4 {
		places, sessions := 0, 0
		for _, line := range runChild(t, folder, time.Duration(30+70*round)*time.Millisecond) {
			var what string
			var place, ends int64
			switch n, _ := fmt.Sscanf(line, "%s %d %d", &what, &place, &ends); {
			case n == 2 && what == "place":
				if place <= last {
					t.Fatalf("round %d: place %d is given twice", round, place)
				}
				last = place
				places++
			case n == 3 && what == "claimed":
				claimed[place] = strconv.FormatInt(ends, 10)
				sessions++
			}
		}
		t.Logf("round %d: %d places, %d sessions", round, places, sessions)
		if places == 0 || sessions == 0 {
			t.Fatalf("round %d: the child gave %d places and %d sessions", round, places, sessions)
		}
	}
	e := open(t, folder)
	v := syncRoom(t, e, policy())
	if v.Sessions < len(claimed) {
		t.Errorf("%d sessions, and %d were begun", v.Sessions, len(claimed))
	}
	for place, ends := range claimed {
		ticket := queue.Ticket{Lane: "public", Epoch: v.Lanes[0].Epoch, Place: place}
		r, err := e.Step(t.Context(), &queue.Step{Room: "spring", Policy: policy(), Looks: []queue.Ticket{ticket}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strconv.FormatInt(r.Looks[0].Ends.Unix(), 10); got != ends {
			t.Errorf("the session of %d ends at %s, was %s", place, got, ends)
		}
	}
}

// runChild runs TestChild in a process of its own, kills it some time after it
// began its first session, and returns the lines it completed.
func runChild(t *testing.T, folder string, after time.Duration) (lines []string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe, "-test.run=^TestChild$", "-child="+folder)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { child.Process.Kill() })
	defer kill.Stop()
	r := bufio.NewReader(out)
	for first := true; ; {
		line, err := r.ReadString('\n')
		if err != nil { // an incomplete line may say anything
			child.Wait()
			return lines
		}
		lines = append(lines, line)
		if first && strings.HasPrefix(line, "claimed") {
			first = false
			kill.Reset(after)
		}
	}
}
