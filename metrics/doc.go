// Package metrics turns what is known of the pools into what Prometheus reads. It
// owns the names of the metrics, the recording and alerting rules (metrics/alerts)
// and the dashboards (metrics/dashboards).
//
// It keeps nothing itself: each scrape is one look, written down as constant
// metrics. What has happened is counted where it happens, in packages supervisor,
// executor and daemon, so that a scrape can disturb nobody and nothing goes back
// when somebody else scrapes too.
package metrics
