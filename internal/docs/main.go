package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/metrics"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("docs: ")
	if len(os.Args) != 2 {
		log.Fatal("want one argument, the folder to write to")
	}
	if err := generate(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// generate writes all pages anew; manual pages of commands that are gone go too.
func generate(folder string) error {
	commands, err := readCommands()
	if err != nil {
		return err
	}
	manual := filepath.Join(folder, "man")
	if err := os.RemoveAll(manual); err != nil {
		return fmt.Errorf("remove the old manual pages: %w", err)
	}
	pages := map[string]string{
		filepath.Join(folder, "reference", "cli.md"):           cliPage(commands),
		filepath.Join(folder, "reference", "configuration.md"): config.Reference(),
		filepath.Join(folder, "reference", "metrics.md"):       metrics.Reference(),
		filepath.Join(manual, "fcgi-supervisor.toml.5"):        configurationManual(config.Reference()),
	}
	for _, c := range commands {
		pages[filepath.Join(manual, manualName(c.Name)+".1")] = commandManual(c, commands)
	}
	for path, text := range pages {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make a folder for %s: %w", path, err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write a page: %w", err)
		}
	}
	return nil
}
