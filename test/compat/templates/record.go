// Makes Go's own text/template, with the functions that docker-machine gives it, say what it makes of each template of a
// corpus, and writes that into the corpus: go run record.go corpus.json
// Needs nothing but Go itself. What was recorded with Go 1.19 is what the tests expect.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
)

type entry struct {
	Data     string          `json:"data,omitempty"`
	Template string          `json:"template"`
	Output   *string         `json:"output,omitempty"`
	Error    *string         `json:"error,omitempty"`
	Ours     json.RawMessage `json:"ours,omitempty"`
	Why      string          `json:"why,omitempty"`
}

type corpus struct {
	Data  map[string]json.RawMessage `json:"data"`
	Cases []entry                    `json:"cases"`
}

func compact(v interface{}) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func indented(v interface{}) string {
	text, _ := json.MarshalIndent(v, "", "    ")
	return string(text)
}

var functions = template.FuncMap{
	"json":       compact,
	"prettyjson": indented,
	"split":      strings.Split,
	"join":       strings.Join,
	"title":      strings.Title,
	"lower":      strings.ToLower,
	"upper":      strings.ToUpper,
}

// The pairs \t and \n mean tab and newline outside of actions.
func unescape(source string) string {
	pairs := strings.NewReplacer(`\t`, "\t", `\n`, "\n")
	var out strings.Builder
	for {
		open := strings.Index(source, "{{")
		if open < 0 {
			out.WriteString(pairs.Replace(source))
			return out.String()
		}
		out.WriteString(pairs.Replace(source[:open]))
		source = source[open:]
		end := strings.Index(source, "}}")
		if end < 0 {
			end = len(source) - 2
		}
		out.WriteString(source[:end+2])
		source = source[end+2:]
	}
}

func execute(source string, data interface{}) (string, error) {
	parsed, err := template.New("").Funcs(functions).Parse(unescape(source))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, data)
	return out.String(), err
}

func record(one *entry, raw json.RawMessage) error {
	data := make(map[string]interface{})
	if err := json.Unmarshal(raw, &data); err != nil {
		return err
	}
	one.Output, one.Error = nil, nil
	output, err := execute(one.Template, data)
	if err != nil {
		message := err.Error()
		one.Error = &message
	} else {
		one.Output = &output
	}
	return nil
}

func run(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all corpus
	if err := json.Unmarshal(content, &all); err != nil {
		return err
	}
	for i := range all.Cases {
		name := all.Cases[i].Data
		if name == "" {
			name = "kinds"
		}
		if err := record(&all.Cases[i], all.Data[name]); err != nil {
			return fmt.Errorf("data %q: %v", name, err)
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run record.go corpus.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
