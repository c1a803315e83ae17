"""Names that the sample data is drawn from."""

FIRST_NAMES = (
    "Adèle Agathe Alice Amélie Anaïs Anna Antoine Arthur Aurélie Bastien Béatrice Benoît Camille Cécile Charlotte "
    "Chloé Claire Clément Damien Delphine Denis Édouard Élise Élodie Émilie Éric Étienne Fabien Fanny Florence "
    "François Gabriel Gaëlle Gilles Hélène Hugo Inès Isabelle Jérôme Joël Jules Julie Karim Léa Léo Louise Lucas "
    "Lucie Maël Manon Marc Margaux Marie Mathilde Matthieu Maxime Mehdi Mélanie Nadia Nathan Nicolas Noémie Océane "
    "Olivier Pascal Pauline Philippe Pierre Quentin Raphaël Rémi Romain Sabrina Samira Sandrine Sébastien Solène "
    "Sophie Stéphane Sylvie Théo Thomas Valérie Victor Vincent Virginie Xavier Yann Yasmine Zoé"
).split()
LAST_NAMES = (
    "Arnaud Aubert Barbier Baron Benali Benoit Bernard Bertrand Blanc Bonnet Boucher Bourgeois Boyer Brun Brunet "
    "Carpentier Charpentier Chevalier Clément Colin Collet Cordier Da-Silva David Denis Deschamps Diallo Dubois "
    "Dumas Dumont Dupont Dupuis Durand Fabre Faure Fernandez Fleury Fontaine Fournier François Garcia Garnier "
    "Gauthier Gautier Gérard Girard Giraud Guérin Guillaume Haddad Henry Hubert Jacquet Joly Lambert Laurent Leblanc "
    "Leclerc Lecomte Lefèvre Legrand Lemaire Lemoine Leroux Leroy Lopez Mallet Marchand Martin Martinez Masson "
    "Mathieu Mercier Meunier Michel Moreau Morel Morin Muller Nguyen Nicolas Noël Olivier Perret Perrin Petit Picard "
    "Pichon Poirier Prévost Renard Renaud Rey Richard Rivière Robert Robin Roche Rodriguez Roger Rolland Rousseau "
    "Roux Roy Sanchez Schmitt Simon Thomas Traoré Vasseur Vidal Vincent Weber"
).split()
CITIES = [
    ("Paris", "75011"), ("Lyon", "69003"), ("Marseille", "13006"), ("Toulouse", "31000"), ("Nice", "06000"),
    ("Nantes", "44000"), ("Montpellier", "34000"), ("Strasbourg", "67000"), ("Bordeaux", "33000"), ("Lille", "59000"),
    ("Rennes", "35000"), ("Reims", "51100"), ("Saint-Étienne", "42000"), ("Le Havre", "76600"), ("Grenoble", "38000"),
    ("Dijon", "21000"), ("Angers", "49000"), ("Nîmes", "30000"), ("Clermont-Ferrand", "63000"), ("Besançon", "25000"),
    ("Orléans", "45000"), ("Mulhouse", "68100"), ("Caen", "14000"), ("Nancy", "54000"), ("Évreux", "27000"),
]  # fmt: skip
STREETS = [
    "rue de la République", "avenue Jean-Jaurès", "rue Victor-Hugo", "boulevard Gambetta", "place du Marché",
    "rue des Écoles", "rue de l’Église", "avenue de la Gare", "chemin des Vignes", "rue du Moulin", "quai de la Loire",
    "allée des Tilleuls", "rue Pasteur", "impasse des Lilas", "rue du Général-Leclerc", "route de Paris",
]  # fmt: skip
JOBS = [
    "Directrice générale", "Directeur financier", "Responsable des achats", "Assistante de direction", "Comptable",
    "Cheffe de projet", "Responsable qualité", "Directeur technique", "Chargée de formation", "Commercial",
    "Responsable des ressources humaines", "Ingénieure", "Technicien", "Gérant", "Médecin coordonnateur",
]  # fmt: skip
DEPARTMENTS = ["Direction", "Finance", "Achats", "Commerce", "Technique", "Ressources humaines", "Qualité", "Formation"]
INDUSTRIES = [
    "Santé", "Bâtiment", "Industrie", "Services aux entreprises", "Commerce de gros", "Commerce de détail",
    "Transport", "Formation", "Informatique", "Agroalimentaire", "Énergie", "Hôtellerie et restauration",
]  # fmt: skip
WORDS = [
    "Ateliers", "Cabinet", "Clinique", "Compagnie", "Conseil", "Établissements", "Garage", "Groupe", "Imprimerie",
    "Institut", "Laboratoires", "Logistique", "Maison", "Menuiserie", "Transports", "Verger",
]  # fmt: skip
