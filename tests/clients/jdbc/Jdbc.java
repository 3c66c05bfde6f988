// clickhouse-jdbc as it comes: what BI tools such as DBeaver, Metabase and Tableau stand on. Prints a line per check.

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.List;
import java.util.Properties;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Jdbc {
    static final String TRICKY = "it's \"q\" \\ tab\there\nnext ñ€😀 {x:String} ?";
    static final String URL = "jdbc:clickhouse://" + env("CLICKHOUSE_HOST") + ":" + env("CLICKHOUSE_PORT") + "/posventa";
    static int failures = 0;

    interface Check {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        check("connect, version, catalogs and schemas", Jdbc::connects);
        check("getTables, getColumns, getTypeInfo", Jdbc::metadata);
        check("every view, as many rows as there are", Jdbc::views);
        check("money exact, times in UTC, null, arrays", Jdbc::types);
        check("prepared statement with tricky text", Jdbc::prepared);
        check("errors by code", Jdbc::errors);
        check("writing refused without the password", Jdbc::refusesWriting);
        check("200,000 rows", () -> assertEqual(200_000L, count("", "SELECT number, toString(number) FROM numbers(200000)")));
        check("setMaxRows", Jdbc::maxRows);
        check("10 at once", Jdbc::atOnce);
        check("max_execution_time ends the query", Jdbc::timesOut);
        check("cancel ends the query", Jdbc::cancels);
        check("batch insert as posventa", () -> inserts(""));
        check("batch insert, decompress=true", () -> inserts("decompress=true"));
        for (String variant : List.of("compress=false", "client.use_http_compression=true")) {
            check(variant, () -> assertEqual(200_000L, count(variant, "SELECT number FROM numbers(200000)")));
            check(variant + ": errors by code", () -> assertEqual(60, code(variant, "SELECT * FROM nowhere")));
        }
        System.exit(failures == 0 ? 0 : 1);
    }

    static void connects() throws Exception {
        try (Connection c = connect("")) {
            if (!c.isValid(5)) throw new AssertionError("isValid");
            if (c.getMetaData().getDatabaseMajorVersion() < 25) throw new AssertionError("version");
            try (ResultSet catalogs = c.getMetaData().getCatalogs()) {
                while (catalogs.next()) catalogs.getString(1);
            }
            TreeSet<String> schemas = new TreeSet<>();
            try (ResultSet found = c.getMetaData().getSchemas()) {
                while (found.next()) schemas.add(found.getString("TABLE_SCHEM"));
            }
            if (!schemas.contains("posventa")) throw new AssertionError("schemas: " + schemas);
        }
    }

    static void metadata() throws Exception {
        try (Connection c = connect("")) {
            TreeSet<String> views = new TreeSet<>();
            try (ResultSet found = c.getMetaData().getTables(null, "posventa", "%", null)) {
                while (found.next()) views.add(found.getString("TABLE_NAME"));
            }
            if (!views.containsAll(rows().keySet())) throw new AssertionError("tables: " + views);
            int columns = 0;
            try (ResultSet found = c.getMetaData().getColumns(null, "posventa", "affiliate_daily", "%")) {
                while (found.next()) columns += found.getString("TYPE_NAME").isEmpty() ? 0 : 1;
            }
            if (columns < 40) throw new AssertionError(columns + " columns");
            try (ResultSet found = c.getMetaData().getTypeInfo()) {
                while (found.next()) found.getString("TYPE_NAME");
            }
        }
    }

    static void views() throws Exception {
        for (var view : rows().entrySet()) {
            assertEqual(view.getValue(), count("", "SELECT * FROM " + view.getKey()));
        }
    }

    static void types() throws Exception {
        String sql = "SELECT (SELECT sum(gross) FROM affiliate_series), toDateTime64('2026-01-31 12:00:00.123', 3, 'UTC'), "
            + "CAST(NULL AS Nullable(Float64)), ['a', 'b'], toInt64(-9223372036854775808), toLowCardinality('low'), true";
        try (Connection c = connect(""); Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
            r.next();
            assertEqual(0, new BigDecimal(env("GROSS")).compareTo(r.getBigDecimal(1)));
            Calendar utc = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
            assertEqual(1769860800123L, r.getTimestamp(2, utc).getTime());
            assertEqual(0.0, r.getDouble(3));
            if (!r.wasNull()) throw new AssertionError("wasNull");
            assertEqual(2, ((Object[]) r.getArray(4).getArray()).length);
            assertEqual(Long.MIN_VALUE, r.getLong(5));
            assertEqual("low", r.getString(6));
            assertEqual(true, r.getBoolean(7));
        }
    }

    static void prepared() throws Exception {
        try (Connection c = connect(""); PreparedStatement s = c.prepareStatement("SELECT ?, ? + 1")) {
            s.setString(1, TRICKY);
            s.setInt(2, 41);
            try (ResultSet r = s.executeQuery()) {
                r.next();
                assertEqual(TRICKY, r.getString(1));
                assertEqual(42, r.getInt(2));
            }
        }
    }

    static void errors() throws Exception {
        assertEqual(47, code("", "SELECT nope"));
        assertEqual(60, code("", "SELECT * FROM nowhere"));
        assertEqual(62, code("", "SELEC 1"));
        assertEqual(395, code("", "SELECT throwIf(number = 3) FROM numbers(9)"));
        try (Connection c = connect(""); Statement s = c.createStatement()) {
            s.executeQuery("SELECT * FROM nowhere");
        } catch (SQLException e) {
            if (!e.getMessage().contains("nowhere")) throw new AssertionError(e.getMessage());
        }
    }

    static void refusesWriting() throws Exception {
        try (Connection c = connect(""); Statement s = c.createStatement()) {
            s.execute("CREATE TABLE default.jdbc_reader (a Int8) ENGINE = Memory");
            throw new AssertionError("the table was made");
        } catch (SQLException e) {
            assertEqual(497, codeOf(e));
            if (!String.valueOf(e.getMessage()).contains("ACCESS_DENIED")) throw new AssertionError("unreadable: " + e.getMessage());
        }
    }

    static void maxRows() throws Exception {
        try (Connection c = connect(""); Statement s = c.createStatement()) {
            s.setMaxRows(10);
            long found = 0;
            try (ResultSet r = s.executeQuery("SELECT number FROM numbers(1000000)")) {
                while (r.next()) found++;
            }
            // The server ends after the block that reaches it; 0.10 leaves out the rest of that block, 0.8.6 does not.
            if (found < 10 || found > 100_000) throw new AssertionError(found + " rows");
        }
    }

    static void atOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(10);
        try {
            List<Future<Long>> found = new ArrayList<>();
            for (int i = 0; i < 10; i++) found.add(threads.submit(() -> count("", "SELECT number FROM numbers(10000)")));
            for (Future<Long> f : found) assertEqual(10_000L, f.get());
        } finally {
            threads.shutdown();
        }
    }

    static void timesOut() throws Exception {
        // setQueryTimeout() ends nothing: the driver asks no server to, and waits for the answer. It tries 159 four times.
        long began = System.nanoTime();
        assertEqual(159, code("clickhouse_setting_max_execution_time=1", slow("jdbc-timeout")));
        if (System.nanoTime() - began > 20e9) throw new AssertionError("after " + (System.nanoTime() - began) / 1e9 + " s");
        gone("jdbc-timeout");
    }

    static void cancels() throws Exception {
        try (Connection c = connect(""); Statement s = c.createStatement()) {
            Thread runs = new Thread(() -> {
                try {
                    s.executeQuery(slow("jdbc-cancel"));
                } catch (SQLException expected) {
                    // the query was ended
                }
            });
            runs.start();
            await("jdbc-cancel", 1);
            s.cancel();
            gone("jdbc-cancel");
            runs.join(20_000);
            if (runs.isAlive()) throw new AssertionError("the client still waits");
        }
    }

    static void inserts(String variant) throws Exception {
        try (Connection c = connect(variant, "posventa", env("WRITER_PASSWORD")); Statement s = c.createStatement()) {
            s.execute("DROP TABLE IF EXISTS default.jdbc_written");
            s.execute("CREATE TABLE default.jdbc_written (a Int64, b String, c Decimal(38, 4)) ENGINE = MergeTree ORDER BY a");
            try (PreparedStatement p = c.prepareStatement("INSERT INTO default.jdbc_written (a, b, c) VALUES (?, ?, ?)")) {
                for (int i = 0; i < 1000; i++) {
                    p.setLong(1, i);
                    p.setString(2, TRICKY);
                    p.setBigDecimal(3, new BigDecimal("1.2345"));
                    p.addBatch();
                }
                p.executeBatch();
            }
            try (ResultSet r = s.executeQuery("SELECT count(), any(b), sum(c) FROM default.jdbc_written")) {
                r.next();
                assertEqual(1000L, r.getLong(1));
                assertEqual(TRICKY, r.getString(2));
                assertEqual(0, new BigDecimal("1234.5").compareTo(r.getBigDecimal(3)));
            }
            s.execute("DROP TABLE default.jdbc_written");
        }
    }

    static String slow(String name) {
        return "SELECT sleepEachRow(1), '" + name + "' FROM numbers(60) "
            + "SETTINGS function_sleep_max_microseconds_per_block = 100000000, max_block_size = 1";
    }

    static void gone(String name) throws Exception {
        await(name, 0);
    }

    static void await(String name, long expected) throws Exception {
        long deadline = System.nanoTime() + 10_000_000_000L;
        // In two pieces, so that this query doesn't find itself; by the writer, since others see nobody's queries.
        String sql = "SELECT count() FROM system.processes WHERE query LIKE concat('%', '" + name.substring(0, 5) + "', '"
            + name.substring(5) + "%')";
        try (Connection c = connect("", "posventa", env("WRITER_PASSWORD")); Statement s = c.createStatement()) {
            while (true) {
                try (ResultSet r = s.executeQuery(sql)) {
                    r.next();
                    if (r.getLong(1) == expected) return;
                }
                if (System.nanoTime() > deadline) throw new AssertionError("10 s later the query is still there, or never was");
                Thread.sleep(100);
            }
        }
    }

    static long count(String variant, String sql) throws SQLException {
        long found = 0;
        try (Connection c = connect(variant); Statement s = c.createStatement(); ResultSet r = s.executeQuery(sql)) {
            int columns = r.getMetaData().getColumnCount();
            while (r.next()) {
                for (int i = 1; i <= columns; i++) r.getObject(i);
                found++;
            }
        }
        return found;
    }

    static int code(String variant, String sql) throws SQLException {
        try (Connection c = connect(variant); Statement s = c.createStatement()) {
            s.executeQuery(sql);
            return 0;
        } catch (SQLException e) {
            return codeOf(e);
        }
    }

    // Version 0.8.6 tells a server's code in its text alone.
    static int codeOf(Throwable e) {
        if (e instanceof SQLException && ((SQLException) e).getErrorCode() != 0) return ((SQLException) e).getErrorCode();
        Matcher found = Pattern.compile("Code: (\\d+)").matcher(String.valueOf(e.getMessage()));
        if (found.find()) return Integer.parseInt(found.group(1));
        return e.getCause() == null ? 0 : codeOf(e.getCause());
    }

    static Connection connect(String variant) throws SQLException {
        return connect(variant, "default", "");  // version 0.8.6 asks for a user
    }

    static Connection connect(String variant, String user, String password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        return DriverManager.getConnection(variant.isEmpty() ? URL : URL + "?" + variant, properties);
    }

    static TreeMap<String, Long> rows() {
        TreeMap<String, Long> found = new TreeMap<>();
        for (String view : env("ROWS").split(",")) {
            found.put(view.split("=")[0], Long.parseLong(view.split("=")[1]));
        }
        return found;
    }

    static String env(String name) {
        return System.getenv(name);
    }

    static void assertEqual(Object expected, Object found) {
        if (!expected.equals(found)) throw new AssertionError("expected " + expected + ", found " + found);
    }

    static void check(String what, Check check) {
        try {
            check.run();
            System.out.println("ok\t" + what);
        } catch (Throwable e) {
            failures++;
            StringBuilder why = new StringBuilder();
            for (Throwable cause = e; cause != null; cause = cause.getCause()) why.append(cause).append("; ");
            System.out.println("FAILED\t" + what + "\t" + why.toString().replaceAll("\\s+", " "));
        }
    }
}
