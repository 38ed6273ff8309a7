package admin

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/dealgate/dealgate/queue"
)

//go:embed assets
var assets embed.FS

func newPage() *template.Template {
	return template.Must(template.New("dashboard.html").Funcs(template.FuncMap{
		"count": count, "pace": pace, "rate": rate, "capacity": capacity, "wait": wait,
		"states": func() []queue.State { return []queue.State{queue.Auto, queue.Hold, queue.Open, queue.Closed} },
	}).ParseFS(assets, "assets/dashboard.html"))
}

// dashboard is a page of the rooms as they are. Its script keeps it so, and
// changes them over the API; without it the page only reloads.
func (h *handler) dashboard(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := h.page.Execute(&b, map[string]any{"Rooms": h.states(), "At": time.Now().UTC()}); err != nil {
		h.cfg.Log.Error("dashboard", "err", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

func asset(w http.ResponseWriter, r *http.Request) {
	types := map[string]string{"dashboard.css": "text/css; charset=utf-8", "dashboard.js": "text/javascript; charset=utf-8"}
	media, found := types[r.PathValue("file")]
	if !found {
		notFound.with("there is nothing at this address").write(w)
		return
	}
	w.Header().Set("Content-Type", media)
	http.ServeFileFS(w, r, assets, "assets/"+r.PathValue("file"))
}

// count groups the digits of n, as 35,146.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func pace(r float64) string { return strconv.FormatFloat(r, 'g', 4, 64) + "/s" }

func rate(r float64) string {
	if r == 0 {
		return "unlimited"
	}
	return pace(r)
}

func capacity(n int) string {
	if n == 0 {
		return "unlimited"
	}
	return count(int64(n))
}

// wait is the longest a newcomer of any lane waits, as far as it is known.
func wait(lanes []laneState) string {
	longest := -1.0
	for _, l := range lanes {
		if l.Wait != nil {
			longest = max(longest, *l.Wait)
		}
	}
	switch s := int(longest); {
	case longest < 0:
		return "not known"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	default:
		m := int(longest/60 + 0.5)
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	}
}
