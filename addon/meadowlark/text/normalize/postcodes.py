"""Where a number is a postcode: before the name of a town, or behind a street.

Of the towns listed here a number of five digits is hardly ever one of things; "75001 Parisiens" is a number.
"""

from __future__ import annotations

from typing import Final

_LAST_WORD: Final = r"(?![\p{L}\p{M}]|-\p{Ll})"

_GERMAN_TOWNS = (
    "Berlin Hamburg München Köln Frankfurt Stuttgart Düsseldorf Leipzig Dortmund Essen Bremen Dresden Hannover "
    "Nürnberg "
    "Duisburg Bochum Wuppertal Bielefeld Bonn Münster Mannheim Karlsruhe Augsburg Wiesbaden Gelsenkirchen Aachen "
    "Braunschweig Chemnitz Kiel Halle Magdeburg Krefeld Freiburg Lübeck Mainz Erfurt Oberhausen Rostock Kassel Hagen "
    "Saarbrücken Potsdam Hamm Ludwigshafen Oldenburg Leverkusen Osnabrück Solingen Heidelberg Herne Neuss Darmstadt "
    "Paderborn Regensburg Ingolstadt Würzburg Fürth Ulm Heilbronn Pforzheim Wolfsburg Göttingen Bottrop Reutlingen "
    "Koblenz Erlangen Remscheid Bremerhaven Bergisch Trier Jena Recklinghausen Moers Salzgitter Siegen Gütersloh "
    "Hildesheim Cottbus Kaiserslautern Witten Hanau Schwerin Gera Esslingen Ludwigsburg Gießen Flensburg Tübingen "
    "Konstanz Marburg Passau Bamberg Bayreuth Weimar Rosenheim Bad Sankt"
)
_FRENCH_TOWNS = (
    "Paris Marseille Lyon Toulouse Nice Nantes Montpellier Strasbourg Bordeaux Lille Rennes Reims Toulon Saint-Étienne "
    "Grenoble Dijon Angers Villeurbanne Nîmes Clermont-Ferrand Aix-en-Provence Brest Tours Amiens Annecy Limoges "
    "Boulogne-Billancourt Metz Besançon Perpignan Orléans Rouen Mulhouse Caen Nancy Saint-Denis Argenteuil Montreuil "
    "Roubaix Tourcoing Avignon Poitiers Versailles Colmar Pau Cannes Antibes Calais Béziers Bayonne Quimper Valence "
    "Troyes Chambéry Lorient Vannes Cergy Créteil Nanterre Vincennes Arles Bourges Monaco Ajaccio Bastia"
)
_SPANISH_TOWNS = (
    "Madrid Barcelona Valencia València Sevilla Zaragoza Málaga Murcia Palma Bilbao Alicante Córdoba Valladolid "
    "Vigo Gijón Vitoria Elche Granada Terrassa Badalona Oviedo Sabadell Cartagena Jerez Móstoles Santander Pamplona "
    "Almería Alcalá Fuenlabrada Leganés Getafe Burgos Albacete Castellón Alcorcón Logroño Badajoz Salamanca Huelva "
    "Lleida Marbella León Tarragona Cádiz Jaén Ourense Girona Lugo Santiago Cáceres Toledo Cuenca Segovia Ávila Soria "
    "Teruel Huesca Zamora Palencia Mérida Ceuta Melilla Donostia"
)
_ITALIAN_TOWNS = (
    "Roma Milano Napoli Torino Palermo Genova Bologna Firenze Bari Catania Venezia Verona Messina Padova Trieste "
    "Taranto Brescia Parma Prato Modena Reggio Perugia Livorno Ravenna Cagliari Foggia Rimini Salerno Ferrara Sassari "
    "Latina Monza Siracusa Pescara Bergamo Forlì Trento Vicenza Terni Bolzano Novara Piacenza Ancona Andria Udine "
    "Arezzo Cesena Lecce Pesaro Como Pisa Lucca Aosta Siena"
)
_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK "
    "OR PA "
    "RI SC SD TN TX UT VT VA WA WV WI WY"
)


def _before(towns: str) -> str:
    return rf"[0-9]{{5}}(?= (?:{'|'.join(towns.split())}){_LAST_WORD})"


def _behind(streets: str, called: str) -> str:
    """Behind "12 rue de Rivoli," and a capital follows, or behind the word for postcode."""
    street = rf"(?i:(?<!\p{{L}})(?:{streets}))[\p{{L}}\p{{M}}'’ .-]{{1,40}}(?:,? ?[0-9]{{1,4}} ?[\p{{L}}º]{{0,3}})?"
    return (
        rf"(?<={street}, ?|{street} - )[0-9]{{5}}(?= (?!(?:EUR|USD|Euro)(?!\p{{L}}))\p{{Lu}})"
        rf"|(?<=(?i:{called}) (?:\p{{Ll}}{{1,3}} )?)[0-9]{{5}}"
    )


GERMAN: Final = rf"(?<=(?<!\p{{L}})D-|[0-9] ?\p{{Ll}}?, )[0-9]{{5}}(?= \p{{Lu}})|{_before(_GERMAN_TOWNS)}"
# "33000" is read as a number, as the French do.
FRENCH: Final = (
    rf"(?![1-9][0-9]000)(?:{_before(_FRENCH_TOWNS)}|(?<=(?<!\p{{L}})F-)[0-9]{{5}}(?= \p{{Lu}})|"
    + _behind(
        "rue|avenue|av|boulevard|bd|place|chemin|impasse|allée|allées|quai|(?<!(?:au|en) )cours|(?<!en )route|square",
        "code postal",
    )
    + ")"
)
SPANISH: Final = f"{_before(_SPANISH_TOWNS)}|" + _behind(
    "calle|c/|avda|avenida|plaza|paseo|carretera|(?<!en )camino|ronda|travesía", "código postal"
)
ITALIAN: Final = f"{_before(_ITALIAN_TOWNS)}|" + _behind(
    "via|viale|piazza|piazzale|(?<!nel )corso|largo|vicolo|strada", "cap|codice postale"
)
# "In 2024 NS Reizigers": behind anything but a comma, a line's beginning or the word for it, 1950 to 2049 is a year.
DUTCH: Final = (
    r"(?:(?!19[5-9]|20[0-4])[1-9][0-9]{3}|(?<=(?:^|[0-9]\p{L}?,?|[,;:(]|(?i:adres|postcode)) ?)[12][0-9]{3})"
    r"(?= ?(?!EUR|USD|TV)\p{Lu}{2},? +\p{Lu}\p{Ll})"
)
POLISH: Final = r"[0-9]{2}-[0-9]{3}(?= \p{Lu})"
PORTUGUESE: Final = r"(?:[0-9]{4}|[0-9]{5})-[0-9]{3}(?= \p{Lu})"
AMERICAN: Final = rf"(?<=(?<!\p{{L}})(?:{'|'.join(_STATES.split())}),? )[0-9]{{5}}(?:-[0-9]{{4}})?"
