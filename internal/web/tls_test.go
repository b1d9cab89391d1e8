package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
)

// TLS and basic auth by web_config_file. Not covered: client certificates and rate
// limits, which are exporter-toolkit's alone.

func writeCertificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "supervisor"}, DNSNames: []string{"supervisor"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWebConfigFile(t *testing.T) {
	folder := t.TempDir()
	writeCertificate(t, folder)
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "web.yml")
	text := "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nbasic_auth_users:\n  prometheus: " + string(hash) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, at: config.HTTP{Listen: listen.Address{Kind: listen.Unix, Path: folder + "/s"}, WebConfigFile: file}}
	s.begin([]string{"blog"})
	server, err := Open(s.at, s.backend, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(context.Background())
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext:     func(context.Context, string, string) (net.Conn, error) { return s.dial() },
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, path := range []string{"/", "/metrics", "/livez", "/readyz", "/api/v1/pools", "/live", "/assets/page.js"} {
		for password, want := range map[string]int{"": 401, "wrong": 401, "open sesame": 200} {
			if path == "/live" && want == 200 {
				continue // it does not end
			}
			request, err := http.NewRequest("GET", "https://supervisor"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				request.SetBasicAuth("prometheus", password)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if got := answer.StatusCode; got != want && (path != "/readyz" || got != 503 || want == 401) {
				t.Errorf("%s with password %q: %d, want %d", path, password, got, want)
			}
		}
	}
	answer, err := client.Get("http://supervisor/metrics")
	if err != nil {
		return
	}
	answer.Body.Close()
	if answer.StatusCode == 200 {
		t.Error("answered without TLS")
	}
}

// TestBrokenWebConfigOpensNothing: never without the password that was meant.
func TestBrokenWebConfigOpensNothing(t *testing.T) {
	for name, text := range map[string]string{
		"no certificate": "tls_server_config:\n  cert_file: gone.pem\n  key_file: gone.pem\n",
		"no hash":        "basic_auth_users:\n  prometheus: plain\n",
		"unknown key":    "basic_auth: {}\n",
		"no YAML":        "{{{",
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "web.yml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			at := config.HTTP{Listen: listen.Address{Kind: listen.Unix, Path: folder + "/s"}, WebConfigFile: file}
			_, err := Open(at, Backend{}, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v, want an error that names %s", err, file)
			}
			if _, err := os.Lstat(at.Listen.Path); err == nil {
				t.Error("it listens")
			}
		})
	}
}
