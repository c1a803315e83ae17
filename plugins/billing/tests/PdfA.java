import java.io.FileInputStream;
import java.util.TreeSet;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** veraPDF over files: one line each, its path, a tab, and `pass` or what is wrong. */
public class PdfA {
    public static void main(String[] paths) {
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour flavour = PDFAFlavour.byFlavourId("3b");
        for (String path : paths) {
            System.out.println("verdict\t" + path + "\t" + verdict(path, flavour));
        }
    }

    private static String verdict(String path, PDFAFlavour flavour) {
        try (FileInputStream stream = new FileInputStream(path);
                PDFAParser parser = Foundries.defaultInstance().createParser(stream, flavour);
                PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, 100, false, false, false)) {
            ValidationResult result = validator.validate(parser);
            if (result.isCompliant()) {
                return "pass";
            }
            TreeSet<String> faults = new TreeSet<>();
            for (TestAssertion one : result.getTestAssertions()) {
                faults.add(one.getRuleId().getClause() + "-" + one.getRuleId().getTestNumber() + " " + one.getMessage());
            }
            return "fail " + faults;
        } catch (Throwable error) {
            return "error " + error;
        }
    }
}
