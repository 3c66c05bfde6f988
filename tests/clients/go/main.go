// clickhouse-go/v2 over HTTP as it comes, with each of its compressions. Prints a line per check.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const tricky = "it's \"q\" \\ tab\there\nnext ñ€😀 {x:String}"

var failures int

var methods = []struct {
	name   string
	method clickhouse.CompressionMethod
}{
	{"none", clickhouse.CompressionNone}, {"lz4", clickhouse.CompressionLZ4}, {"zstd", clickhouse.CompressionZSTD},
	{"gzip", clickhouse.CompressionGZIP}, {"deflate", clickhouse.CompressionDeflate}, {"br", clickhouse.CompressionBrotli},
}

func main() {
	check("connect, ping, version", connects)
	check("every view, as many rows as there are", views)
	check("money exact, times in UTC, null, arrays, maps, tuples, enums", types)
	check("parameters with tricky text", parameters)
	check("errors by code", errorsByCode)
	check("an error in the middle of a result", errorInTheMiddle)
	check("writing refused without the password", refusesWriting)
	check("a table of the client's own (external data)", external)
	check("10 at once", atOnce)
	check("a context that ends ends the query", cancels)
	check("max_execution_time", timesOut)
	check("database/sql", standardLibrary)
	for _, found := range methods {
		check("compression "+found.name+": 200,000 rows", func() error { return many(found.method) })
		if found.method == clickhouse.CompressionBrotli {
			check("compression br: a batch is refused by name", func() error { return refusesBrotli(inserts(found.method)) })
		} else {
			check("compression "+found.name+": batch insert as posventa", func() error { return inserts(found.method) })
		}
		check("compression "+found.name+": errors by code", func() error { return code(open(found.method, "", ""), "SELECT * FROM nowhere", 60) })
	}
	if failures > 0 {
		os.Exit(1)
	}
}

func options(method clickhouse.CompressionMethod, user, password string) *clickhouse.Options {
	return &clickhouse.Options{
		Addr:        []string{os.Getenv("CLICKHOUSE_HOST") + ":" + os.Getenv("CLICKHOUSE_PORT")},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: "posventa", Username: user, Password: password},
		Compression: &clickhouse.Compression{Method: method, Level: 3},
	}
}

func open(method clickhouse.CompressionMethod, user, password string) driver.Conn {
	conn, err := clickhouse.Open(options(method, user, password))
	if err != nil {
		panic(err)
	}
	return conn
}

func plain() driver.Conn { return open(clickhouse.CompressionNone, "", "") }

func connects() error {
	conn := plain()
	defer conn.Close()
	if err := conn.Ping(context.Background()); err != nil {
		return err
	}
	version, err := conn.ServerVersion()
	if err == nil && version.Version.Major < 25 {
		err = fmt.Errorf("version %v", version)
	}
	return err
}

func views() error {
	conn := plain()
	defer conn.Close()
	for _, view := range strings.Split(os.Getenv("ROWS"), ",") {
		name, told, _ := strings.Cut(view, "=")
		expected, err := strconv.Atoi(told)
		if err != nil {
			return err
		}
		found, err := count(conn, "SELECT * FROM "+name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if found != expected {
			return fmt.Errorf("%s: expected %d rows, found %d", name, expected, found)
		}
	}
	return nil
}

func count(conn driver.Conn, query string) (int, error) {
	rows, err := conn.Query(context.Background(), query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	found := 0
	for rows.Next() {
		found++
	}
	return found, rows.Err()
}

func types() error {
	conn := plain()
	defer conn.Close()
	query := `SELECT toString((SELECT sum(gross) FROM affiliate_series)), toDateTime64('2026-01-31 12:00:00.123', 3, 'UTC'),
		CAST(NULL AS Nullable(Float64)), ['a', 'b'], map('k', 7::Int32), (1::Int8, 'x'), 'b'::Enum8('a' = 1, 'b' = 2),
		toLowCardinality('low'), [toLowCardinality(toNullable('x')), NULL], [[1::Int64], []::Array(Int64)], true, now('UTC')`
	var (
		gross, text, low string
		at, now          time.Time
		null             *float64
		array            []string
		numbers          map[string]int32
		tuple            []any
		nullable         []*string
		nested           [][]int64
		yes              bool
	)
	err := conn.QueryRow(context.Background(), query).
		Scan(&gross, &at, &null, &array, &numbers, &tuple, &text, &low, &nullable, &nested, &yes, &now)
	if err != nil {
		return err
	}
	found := fmt.Sprintln(gross == os.Getenv("GROSS"), at.UnixMilli(), null == nil, array, numbers, tuple, text, low, *nullable[0], nullable[1] == nil, nested, yes)
	expected := "true 1769860800123 true [a b] map[k:7] [1 x] b low x true [[1] []] true\n"
	if found != expected || time.Since(now).Abs() > time.Hour {
		return fmt.Errorf("expected %s, found %s; now %v", expected, found, now)
	}
	return nil
}

func parameters() error {
	conn := plain()
	defer conn.Close()
	var found string
	ctx := clickhouse.Context(context.Background(), clickhouse.WithParameters(clickhouse.Parameters{"v": "plain"}))
	if err := conn.QueryRow(ctx, "SELECT {v:String}").Scan(&found); err != nil || found != "plain" {
		return fmt.Errorf("found %q: %w", found, err)
	}
	if err := conn.QueryRow(context.Background(), "SELECT ?", tricky).Scan(&found); err != nil || found != tricky {
		return fmt.Errorf("found %q: %w", found, err)
	}
	return nil
}

func code(conn driver.Conn, query string, expected int32) error {
	defer conn.Close()
	_, err := count(conn, query)
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) || exception.Code != expected {
		return fmt.Errorf("expected code %d, found %w", expected, err)
	}
	return nil
}

func errorsByCode() error {
	return errors.Join(code(plain(), "SELECT nope", 47), code(plain(), "SELECT * FROM nowhere", 60), code(plain(), "SELEC 1", 62))
}

func errorInTheMiddle() error {
	conn := plain()
	defer conn.Close()
	_, err := count(conn, "SELECT throwIf(number = 3000000) FROM numbers(4000000)")
	if err == nil || !strings.Contains(err.Error(), "throwIf") {
		return fmt.Errorf("expected code 395, found %w", err)
	}
	return nil
}

func refusesWriting() error {
	conn := plain()
	defer conn.Close()
	err := conn.Exec(context.Background(), "CREATE TABLE default.go_reader (a Int8) ENGINE = Memory")
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) || exception.Code != 497 {
		return fmt.Errorf("expected code 497, found %w", err)
	}
	return nil
}

func external() error {
	conn := plain()
	defer conn.Close()
	table, err := ext.NewTable("ids", ext.Column("id", "Int64"), ext.Column("name", "String"))
	if err != nil {
		return err
	}
	for i := range 1000 {
		if err := table.Append(int64(i), tricky); err != nil {
			return err
		}
	}
	var rows uint64
	var name string
	ctx := clickhouse.Context(context.Background(), clickhouse.WithExternalTable(table))
	err = conn.QueryRow(ctx, "SELECT count(), any(name) FROM ids").Scan(&rows, &name)
	if err != nil || rows != 1000 || name != tricky {
		return fmt.Errorf("found %d %q: %w", rows, name, err)
	}
	return nil
}

func atOnce() error {
	conn := plain()
	defer conn.Close()
	var group sync.WaitGroup
	found := make([]error, 10)
	for i := range found {
		group.Add(1)
		go func() {
			defer group.Done()
			rows, err := count(conn, "SELECT number FROM numbers(10000)")
			if err == nil && rows != 10000 {
				err = fmt.Errorf("%d rows", rows)
			}
			found[i] = err
		}()
	}
	group.Wait()
	return errors.Join(found...)
}

const slow = "SELECT sleepEachRow(1), 'go-cancel' FROM numbers(60) SETTINGS function_sleep_max_microseconds_per_block = 100000000, max_block_size = 1"

func cancels() error {
	conn := plain()
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		rows, err := conn.Query(ctx, slow)
		for err == nil && rows.Next() {
		}
		done <- err
	}()
	if err := running(1); err != nil {
		return err
	}
	cancel()
	return running(0)
}

// Asks as the writer, since others see nobody's queries.
func running(expected uint64) error {
	conn := open(clickhouse.CompressionNone, "posventa", os.Getenv("WRITER_PASSWORD"))
	defer conn.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var found uint64
		query := "SELECT count() FROM system.processes WHERE query LIKE concat('%go-', 'cancel%')"
		if err := conn.QueryRow(context.Background(), query).Scan(&found); err != nil || found == expected {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("10 s later %d queries run", found)
		}
	}
}

func timesOut() error {
	conn := plain()
	defer conn.Close()
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 1}))
	rows, err := conn.Query(ctx, strings.Replace(slow, "go-cancel", "go-timeout", 1))
	for err == nil && rows.Next() {
	}
	if err == nil {
		err = rows.Err()
	}
	if err == nil || !strings.Contains(err.Error(), "159") {
		return fmt.Errorf("expected code 159, found %w", err)
	}
	return nil
}

func standardLibrary() error {
	pool := clickhouse.OpenDB(options(clickhouse.CompressionLZ4, "", ""))
	defer pool.Close()
	var gross string
	var null sql.NullFloat64
	row := pool.QueryRow("SELECT toString(sum(gross)), CAST(NULL AS Nullable(Float64)) FROM affiliate_series WHERE ? = 'x'", "x")
	if err := row.Scan(&gross, &null); err != nil || gross != os.Getenv("GROSS") || null.Valid {
		return fmt.Errorf("found %s %v: %w", gross, null, err)
	}
	return nil
}

func many(method clickhouse.CompressionMethod) error {
	conn := open(method, "", "")
	defer conn.Close()
	found, err := count(conn, "SELECT number, toString(number) FROM numbers(200000)")
	if err == nil && found != 200_000 {
		err = fmt.Errorf("%d rows", found)
	}
	return err
}

func inserts(method clickhouse.CompressionMethod) error {
	ctx := context.Background()
	conn := open(method, "posventa", os.Getenv("WRITER_PASSWORD"))
	defer conn.Close()
	if err := conn.Exec(ctx, "DROP TABLE IF EXISTS default.go_written"); err != nil {
		return err
	}
	create := "CREATE TABLE default.go_written (a Int64, b String, c LowCardinality(String), d Array(Nullable(Int8))) ENGINE = MergeTree ORDER BY a"
	if err := conn.Exec(ctx, create); err != nil {
		return err
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO default.go_written (a, b, c, d)")
	if err != nil {
		return err
	}
	one := int8(1)
	for i := range 1000 {
		if err := batch.Append(int64(i), tricky, "low", []*int8{&one, nil}); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	var rows, nulls uint64
	var text string
	query := "SELECT count(), any(b), sum(countEqual(d, NULL)) FROM default.go_written"
	if err := conn.QueryRow(ctx, query).Scan(&rows, &text, &nulls); err != nil || rows != 1000 || text != tricky || nulls != 1000 {
		return fmt.Errorf("found %d %q %d: %w", rows, text, nulls, err)
	}
	return conn.Exec(ctx, "DROP TABLE default.go_written")
}

// Of results no br is made, which the client sees; of inserts it would have to be read.
func refusesBrotli(err error) error {
	if err == nil || !strings.Contains(err.Error(), "Unknown Content-Encoding br") {
		return fmt.Errorf("expected code 89, found %w", err)
	}
	return nil
}

func check(what string, run func() error) {
	var err error
	func() {
		defer func() {
			if found := recover(); found != nil {
				err = fmt.Errorf("%v", found)
			}
		}()
		err = run()
	}()
	if err == nil {
		fmt.Printf("ok\t%s\n", what)
		return
	}
	failures++
	fmt.Printf("FAILED\t%s\t%s\n", what, strings.Join(strings.Fields(err.Error()), " "))
}
