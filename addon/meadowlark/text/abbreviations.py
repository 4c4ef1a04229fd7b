"""Words behind which a full stop does not, or may not, end a sentence, by language.

Data only. `NEVER` is followed by what it introduces; `MAYBE` ends a sentence where the next word is one that begins
sentences (`STARTERS`). Lower case throughout, without the last full stop.
"""

from __future__ import annotations

from functools import cache

_NEVER = {
    "": "n° e.g i.e z.b d.h p.ex p.ej t.ex vs cf ca approx dr prof nr tel mr mrs ms",
    "en": "mr mrs ms mx dr prof rev fr gen col sgt capt lt cmdr gov sen rep hon messrs mt ft vs viz approx dept "
    "est ver ep tab fig figs ed eds pp cf ca incl esp approx avg tel univ adm maj doz appt lat lon",
    "de": "med phil jur rer nat fa abb tab hr fr dr prof dipl ing mag nr abs kap bd hrsg z.b d.h u.a o.ä i.d.r "
    "v.a s.o s.u z.t bzw vgl ca evtl ggf inkl exkl bspw sog zzgl abzgl mind tel str st geb gest lt dt "
    "engl frz jr chr v.chr n.chr mio mrd tsd jh jhd allg bes ehem einschl entspr gem ges insb jew urspr "
    "zw pck pkg msp tgl mtl bzgl",
    "fr": "m mm mme mmes mlle mlles dr pr me st ste av bd boul p.ex c.-à-d cf env éd fig tél n° chap apr j.-c pers hab "
    "cuil",
    "es": "sr sra srta sres dr dra d dña ud uds vd prof lic ing gral cap núm pág págs art aprox tel avda av "
    "p.ej ej vs máx mín sto sta ee.uu ee depto",
    "it": "sig sigg sig.ra sig.na dott dott.ssa prof prof.ssa avv ing arch geom rag ecc.mo p.es es pag pagg art "
    "n ca tel vs sv",
    "nl": "dhr mevr mw dr drs ir ing mr prof bijv b.v d.w.z o.a m.b.t t.a.v m.a.w i.p.v t.o.v nr blz ca tel max "
    "min incl excl evt resp vs st gem art mln mld",
    "pl": "p pan dr hab prof mgr inż lek ks św ul al pl nr np tj tzn tzw m.in godz str tel wg ww por zob gen "
    "płk kpt r.p art rozdz",
    "pt": "sr sra srs dr dra prof profa eng exmo exma av r tel núm n pág págs art p.ex ex aprox máx mín vs d cap",
    "cs": "p pí sl dr ing mgr bc mudr judr phdr rndr prof doc arch č čís str tj tzn tzv např resp popř příp cca "
    "ca kap obr tab ul nám tř sv gen plk kpt max min tel odst písm zejm mj vč viz čl",
    "ru": "г-н г-жа проф акад др.-греч ул просп пр пер пл д кв им стр рис табл см ср напр т.е т.н т.к тел гр св",
    "uk": "проф акад вул просп пл буд кв ім стор рис табл див напр т.зв тел св",
    "hi": "डॉ श्री प्रो पं कृ",
    "ar": "د أ م ص",
    "sv": "dr prof t.ex d.v.s bl.a s.k ca nr tel resp ev inkl exkl max min fr.o.m t.o.m m.a.o st",
    "da": "dr prof f.eks d.v.s bl.a ca nr tlf evt inkl ekskl maks min fx hr fr st pga ift mht",
    "sk": "p dr ing mgr bc mudr judr prof doc č str tj tzn tzv napr resp príp cca ul nám sv max min tel",
    "fi": "esim ns mm ts ks nro puh prof toht ym",
    "hu": "dr prof pl ún ill kb sz ld stb.",
}
_MAYBE = {
    "": "a.m p.m etc inc ltd co corp jr sr no u.s u.k u.s.a d.c st",
    "en": "a.m p.m etc inc ltd co corp jr sr no nos st ave blvd rd hwy apt bros assn jan feb aug sept oct nov "
    "dec u.s u.k u.s.a u.n e.u d.c b.c a.d ph.d m.d b.a m.a sq oz lb lbs tbsp tsp art sec ch p al vol min "
    "max misc temp ext",
    "de": "mo di mi do fr sa so usw etc u.ä u.v.m usf dgl ff o.g co bd jan feb mär apr jun jul aug sept okt nov "
    "dez min art max sek std",
    "fr": "etc vol art max min janv févr avr juil sept oct nov déc",
    "es": "etc uu ene feb abr ago sept oct nov dic",
    "it": "ecc etc cap art max min gen feb apr giu lug ago sett ott nov dic",
    "nl": "enz etc e.d jan feb apr aug sept okt nov dec jl",
    "pl": "itd itp r min maks max im ok w pn wt śr czw pt sob niedz godz tys mln mld zł gr",
    "pt": "etc jan fev abr ago set out nov dez",
    "cs": "atd apod aj r hod min tis mil mld kč",
    "ru": "т.д т.п др г гг в вв руб коп тыс млн млрд час мин сек н.э",
    "uk": "т.д т.п ін р рр ст грн тис млн хв год",
    "sv": "osv m.m etc kl",
    "da": "osv m.m etc kl",
    "sk": "atď apod r hod tis mil",
    "fi": "jne yms",
    "hu": "stb",
}
_STARTERS = {
    "en": "the it he she we you they i this that these those there here then now if when while what who where "
    "why how is are do does did can could would will should let please yes no not but and so or because "
    "after before in on at my your his her its our their a an as for from to with also however it's i'm "
    "i'll i've that's there's he's she's we're you're they're don't what's let's next finally turn "
    "would've once everyone someone nobody all some many",
    "de": "der die das den dem ich du er sie es wir ihr ein eine einen dieser diese dieses jetzt dann da hier "
    "dort wenn als weil aber und oder doch ja nein was wer wo wann warum wie ist sind hat haben kann soll "
    "im in am an auf bei mit nach vor bitte danach außerdem morgen heute gestern mein dein sein unser man "
    "soll so alles nur auch noch gibt kannst möchtest willst soll sollen guten viel viele deine deinen ihre "
    "meine diesen welche welcher falls obwohl während seit deshalb trotzdem dabei damit also zuerst zuletzt insgesamt "
    "leider vielleicht übrigens gut gerne klar natürlich bis um ab vom zum zur für denk vergiss bring möchte werde "
    "wird war waren vorher nachher später heißt",
    "fr": "le la les un une des il elle ils elles je tu nous vous on ce cette ces cela c'est ça mais et ou donc "
    "si quand puis alors ensuite dans sur à en pour avec oui non merci voilà il y a j'ai l'on",
    "es": "el la los las un una yo tú él ella nosotros ellos ellas usted ustedes este esta esto ese esa eso "
    "pero y o si cuando entonces luego después ahora en con por para sí no gracias hay es está son qué "
    "cómo",
    "it": "il lo la i gli le un una io tu lui lei noi voi loro questo questa quello quella ma e o se quando poi "
    "allora dopo ora adesso in con per sì no grazie c'è è sono che come",
    "nl": "de het een ik jij je hij zij ze wij we jullie dit dat deze die maar en of als toen dan nu daarna "
    "hier daar in op met voor ja nee is zijn er wat hoe",
    "pl": "ja ty on ona ono my wy oni one to ten ta te ale i lub jeśli kiedy potem wtedy teraz tutaj tam w na z "
    "do tak nie jest są co jak czy dziś jutro",
    "pt": "o a os as um uma eu tu você ele ela nós eles elas este esta isto esse essa isso mas e ou se quando "
    "então depois agora em no na com por para sim não obrigado há é está são que como",
    "cs": "já ty on ona ono my vy oni to ten ta ti ale a nebo pokud když potom pak teď nyní tady tam v na s do "
    "ano ne je jsou co jak dnes zítra",
    "ru": "я ты он она оно мы вы они это этот эта но и или если когда потом тогда теперь здесь там в на с да "
    "нет что как",
}
_MONTHS = (
    # The word that follows an ordinal, in languages that write ordinals with a full stop. No English month but those
    # that German shares: a day number before them is no English.
    "januar jänner februar feber märz april mai juni juli august september oktober november dezember januari "
    "februari marts maj juni juli december januara februara tammikuuta helmikuuta maaliskuuta huhtikuuta "
    "toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta ledna února března dubna "
    "května června července srpna září října listopadu prosince leden únor březen duben květen červen červenec "
    "srpen říjen listopad prosinec stycznia lutego marca kwietnia maja czerwca lipca sierpnia września "
    "października listopada grudnia januára februára apríla mája júna júla augusta septembra októbra novembra "
    "decembra január február március április május június július augusztus szeptember október siječnja veljače "
    "ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca"
)
_ORDINAL_NOUNS = (
    "stock etage klasse platz rang geburtstag jahrestag jahrhundert weltkrieg mal kapitel auflage tag woche monat "
    "quartal bezirk liga runde semester schuljahr lebensjahr minute stunde spieltag advent sinfonie symphonie "
    "obergeschoss og století třída místo patro kapitola ročník den týden"
)
_ORDINAL_LANGUAGES = "de cs sk pl da nb nn no is fi et lv hu hr sr bs sl lb hsb dsb eu tr fo"
ORDINAL_LANGUAGES = frozenset(_ORDINAL_LANGUAGES.split())
"""They write ordinals with a full stop: "3. Oktober"."""

MONTHS = frozenset(_MONTHS.split())
_SHORT_MONTHS = "jan feb mär mrz apr jun jul aug sep sept okt nov dez"
BEHIND_ORDINALS = frozenset((_ORDINAL_NOUNS + " " + _SHORT_MONTHS).split())
"""Words that an ordinal with a full stop stands before, in languages that write it so."""

_WEEKDAYS = (
    "Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun lun jeu ven sam dim Lun Jeu Ven Sam Dim mié jue vie sáb Mié Jue Vie "
    "Sáb gio sab Gio Sab pon wt śr czw sob niedz Pon Wt Śr Czw Sob Niedz seg qua qui Seg Qua Qui"
)
WEEKDAYS = frozenset(_WEEKDAYS.split())
"""Abbreviations as they are written, behind which a day of the month goes on; none that is often another word."""
_AFTER_TIME = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september "
    "october november december est edt cst cdt mst mdt pst pdt gmt utc cet cest bst eastern pacific central"
)
AFTER_TIME = frozenset(_AFTER_TIME.split())
"""What goes on behind "5 p.m."."""


@cache
def never(language: str) -> frozenset[str]:
    """Behind these a sentence goes on."""
    return _words(_NEVER, language)


@cache
def maybe(language: str) -> frozenset[str]:
    """Behind these the next word decides."""
    return _words(_MAYBE, language)


@cache
def starters(language: str) -> frozenset[str]:
    """Words that begin sentences, in the language and in English."""
    return frozenset((_STARTERS["en"] + " " + _STARTERS.get(language, "")).split())


def _words(table: dict[str, str], language: str) -> frozenset[str]:
    return frozenset((table[""] + " " + table.get(language, "")).split())
