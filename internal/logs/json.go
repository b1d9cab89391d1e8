package logs

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"time"
)

// appendJSONRecord appends the record as one object: time, level, msg, the known
// attributes in their order, then the others with groups as "group.key".
func appendJSONRecord(to []byte, r slog.Record, f *fields) []byte {
	to = append(to, '{')
	if !r.Time.IsZero() {
		to = appendJSONKey(to, slog.TimeKey)
		to = appendJSONString(to, r.Time.Format(time.RFC3339Nano))
		to = append(to, ',')
	}
	to = appendJSONKey(to, slog.LevelKey)
	to = appendJSONString(to, r.Level.String())
	to = append(to, ',')
	to = appendJSONKey(to, slog.MessageKey)
	to = appendJSONString(to, r.Message)
	for _, a := range f.all(fieldPool) {
		to = append(to, ',')
		to = appendJSONKey(to, a.Key)
		to = appendJSONValue(to, a.Value)
	}
	return append(to, "}\n"...)
}

func appendJSONKey(to []byte, key string) []byte {
	return append(appendJSONString(to, key), ':')
}

func appendJSONString(to []byte, text string) []byte {
	to = append(to, '"')
	to = appendJSON(to, []byte(text))
	return append(to, '"')
}

func appendJSONValue(to []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(to, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(to, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(to, v.Bool())
	case slog.KindTime:
		return appendJSONString(to, v.Time().Format(time.RFC3339Nano))
	case slog.KindFloat64, slog.KindAny:
		if _, isError := v.Any().(error); isError {
			break
		}
		if text, err := json.Marshal(v.Any()); err == nil {
			return append(to, text...)
		}
	}
	return appendJSONString(to, plain(v))
}
