// Command stage writes the files of the packages that are made from templates: the
// unit and the init script. deploy/build runs it.
package main

import (
	"log"
	"os"
	"path/filepath"

	"fcgi-supervisor/internal/service"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("stage: ")
	if len(os.Args) != 3 {
		log.Fatal("want the folder to write to, and the version")
	}
	files, err := service.PackageFiles(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(os.Args[1], f.Path), []byte(f.Text), os.FileMode(f.Mode)); err != nil {
			log.Fatal(err)
		}
	}
}
