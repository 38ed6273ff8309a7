package page

import (
	"embed"
	"encoding/json"
	"html"
	"strconv"
	"strings"
)

//go:embed wait.html error.html page.css page.js en.json ko.json
var files embed.FS

// A catalog is all the words of one language, as its JSON file has them.
type catalog struct {
	Lang   string            `json:"lang"` // BCP 47
	Dir    string            `json:"dir"`  // ltr or rtl
	Page   map[string]string `json:"page"` // fixed texts of the templates
	Live   live              `json:"live"` // texts that change: the script has them too
	Errors map[string]words  `json:"errors"`

	waitPage  template[waiting]
	faultPage template[failing]
}

// live are the texts that server and script build alike. {n} and the like
// stand for values.
type live struct {
	Group    string            `json:"group"` // between thousands
	Dash     string            `json:"dash"`  // between the ends of a range
	States   map[string]words  `json:"states"`
	Reasons  map[string]string `json:"reasons"`
	Ahead    plural            `json:"ahead"`
	Line     plural            `json:"line"`
	RateMin  plural            `json:"rate_min"`
	RateHour plural            `json:"rate_hour"`
	S        plural            `json:"s"`
	Min      plural            `json:"min"`
	H        plural            `json:"h"`
	D        plural            `json:"d"`
	About    string            `json:"about"`
	Under    string            `json:"under"`
	Least    string            `json:"least"`
	Unknown  string            `json:"unknown"`
	Between  string            `json:"between"`
	At       string            `json:"at"`
	Opens    string            `json:"opens"`
	Keep     string            `json:"keep"`
	Tab      string            `json:"tab"`
	Say      string            `json:"say"`
	Label    string            `json:"label"`
	Lost     string            `json:"lost"`
	Found    string            `json:"found"`
}

// words are the title of a state, what it means, and what its button says.
type words struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Go    string `json:"go,omitempty"`
}

// plural is a text for a number; One is empty where the language has one form.
type plural struct {
	One   string `json:"one,omitempty"`
	Other string `json:"other"`
}

func (p plural) of(n int64) string {
	if n == 1 && p.One != "" {
		return p.One
	}
	return p.Other
}

var english, korean = load("en.json"), load("ko.json")

// language answers the catalog of a language, English where there is none.
func language(lang string) *catalog {
	if lang == "ko" {
		return korean
	}
	return english
}

// load reads a catalog and makes the pages of its language. It panics if an
// embedded file is not as it must be.
func load(name string) *catalog {
	c := new(catalog)
	dec := json.NewDecoder(strings.NewReader(file(name)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		panic("page: " + name + ": " + err.Error())
	}
	script, err := json.Marshal(c.Live) // escapes <, > and &, U+2028 and U+2029
	if err != nil {
		panic("page: " + name + ": " + err.Error())
	}
	fixed := map[string]string{
		"lang": c.Lang,
		"dir":  c.Dir,
		"css":  squeeze(file("page.css")),
		"js":   strings.ReplaceAll(squeeze(file("page.js")), "{{live}}", string(script)),
	}
	for k, v := range c.Page {
		fixed[k] = html.EscapeString(v)
	}
	c.waitPage = compile(squeeze(file("wait.html")), fixed, waitingSlots())
	c.faultPage = compile(squeeze(file("error.html")), fixed, failingSlots())
	return c
}

func file(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// words answers what is said in the state of v.
func (c *catalog) words(v *View) words {
	state := v.State
	switch {
	case !v.HasPlace && (state == Waiting || state == Paused):
		state = "held"
	case state == Waiting && v.shown() == 0:
		state = "next"
	}
	if w, ok := c.Live.States[state]; ok {
		return w
	}
	return c.Live.States[Waiting]
}

// fail answers what is said with an HTTP status.
func (c *catalog) fail(status int) words {
	if w, ok := c.Errors[strconv.Itoa(status)]; ok {
		return w
	}
	return c.Errors["other"]
}
