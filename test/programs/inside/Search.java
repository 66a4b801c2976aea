import java.nio.file.Path;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.MMapDirectory;

/** Keeps an index of Lucene in mapped files. Each request adds a document and searches for all of its worker. */
class Search extends Serve {
    private static final int size = 20_000;
    private final IndexWriter writer;
    private final SearcherManager searchers;

    Search() throws Exception {
        writer = new IndexWriter(new MMapDirectory(Path.of("/tmp/index")), new IndexWriterConfig(new StandardAnalyzer()));
        for (int i = 0; i < size; i++) write("base", textOf(i));
        writer.commit();
        searchers = new SearcherManager(writer, null);
    }

    private static String textOf(int i) {
        return "document " + i + " has the words a" + i % 7 + " and b" + i % 11;
    }

    private void write(String worker, String text) throws Exception {
        var document = new Document();
        document.add(new StringField("worker", worker, Field.Store.YES));
        document.add(new TextField("text", text, Field.Store.YES));
        writer.addDocument(document);
    }

    @Override
    long add(String worker) throws Exception {
        write(worker, "one more of " + worker);
        long sum = sum(worker);
        if (sum % 100 == 0) writer.commit();
        return sum;
    }

    @Override
    long sum(String worker) throws Exception {
        return count("worker", worker);
    }

    private long count(String field, String value) throws Exception {
        searchers.maybeRefreshBlocking();
        var searcher = searchers.acquire();
        try {
            return searcher.count(new TermQuery(new Term(field, value)));
        } finally {
            searchers.release(searcher);
        }
    }

    @Override
    long check() throws Exception {
        var searcher = searchers.acquire();
        try {
            var found = searcher.search(new TermQuery(new Term("worker", "base")), size).scoreDocs;
            for (int i = 0; i < found.length; i++) {
                var text = searcher.storedFields().document(found[i].doc).get("text");
                if (!text.equals(textOf(Integer.parseInt(text.split(" ")[1])))) throw new IllegalStateException(text);
            }
            long words = 0;
            for (int i = 0; i < 7; i++) words += count("text", "a" + i);
            if (words != size) throw new IllegalStateException(words + " documents have one of the words");
            return found.length;
        } finally {
            searchers.release(searcher);
        }
    }

    public static void main(String[] arguments) throws Exception {
        new Search().start();
    }
}
