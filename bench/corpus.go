package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

const (
	itemID    = "item-1"
	itemCount = 2000
)

// words are those of the titles and of the searches.
var words = strings.Fields("apple bread cherry damson elder flour ginger honey icing juniper kale lemon mustard nutmeg olive pepper quince rhubarb saffron thyme")

// writeCorpus writes the items that are measured. Each has two of the words in its title.
func writeCorpus(file string) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	w := bufio.NewWriter(f)
	for i := range itemCount {
		fmt.Fprintf(w, `{"id":"item-%d","collection":"bench","title":"%s with %s, number %d","summary":%q,"body":"<p>%s</p>","tags":["a","b"]}`+"\n",
			i+1, words[i%len(words)], words[(i/len(words)+i+1)%len(words)], i+1, strings.Repeat("Words to read. ", 20), strings.Repeat("More words to read. ", 50))
	}
	return w.Flush()
}
